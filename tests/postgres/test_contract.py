"""What every ledger promises, of the PostgreSQL ledger: the same tests."""

import pytest

from tests.ledger.test_batches import *  # noqa: F403 - each of its tests is one of ours
from tests.ledger.test_clock_jumps import *  # noqa: F403 - each of its tests is one of ours
from tests.ledger.test_contract import *  # noqa: F403 - each of its tests is one of ours
from tests.ledger.test_learned import *  # noqa: F403 - each of its tests is one of ours
from tests.ledger.test_places import *  # noqa: F403 - each of its tests is one of ours
from tests.ledger.test_pruning import *  # noqa: F403 - each of its tests is one of ours
from tests.ledger.test_records import *  # noqa: F403 - each of its tests is one of ours

pytestmark = pytest.mark.postgres
