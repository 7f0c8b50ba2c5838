"""Single words that hint at a task type: weak by themselves, they decide where no turn of phrase was found.

To add one: put it into the row of its task type. A row counts twice at most, however many of its words are there.
"""

from delegate_mcp.routing.signals import Sign, words

HINTS: tuple[Sign, ...] = (
    words(
        "summarization",
        1.5,
        "words of summing up",
        r"""
        (?:cut|pare|trim) (?:\w+ ){0,2}?down|\w+-line version|briefly|the core of
        essentials?|takeaways?|highlights|overview|digest|condensed|shortened|shorter version|catch me up|up to speed
        (?:this|the|these|following|attached|that) (?:\w+ )?(?:document|article|meeting|thread|interview|chapter|\
            paper|conversation|notes|transcript|podcast|talk|video|discussion|release notes|changelog)
        """,
    ),
    words(
        "reasoning",
        1.5,
        "words of weighing and proving",
        r"""
        makes (?:more|most) sense|divisible|explain your thinking|your thinking|if (?:yesterday|today|tomorrow)
        every (?:hour|day|week|minute|year)|minimum|maximum|feasible|constraints?|ethical|argue|both sides|rational
        why (?:would|might|could)
        should (?:i|we)
        walk me through|(?:tall|old|fast|short|heavi|bigg|cheap|rich|young|larg|small)er than|suppose|assum(?:e|ing)
        hypothes\w+
        deduc\w+|infer|premises?|valid argument|expected payoff|weighings|is it possible (?:to|that)|versus|decide
        compare
        at least|at most|per (?:hour|day|week|kilo\w*|litre|unit)|each other|percent
        """,
    ),
    words(
        "tool_calling",
        1.5,
        "things an assistant's tools do",
        r"""
        temperature|garage|door|landed|meeting (?:with|on)|flight
        reminder|alarm|lights?|playlist|flights?|hotels?|taxi|pizzas?|directions|calendar|thermostat|vacuum|cart|jira
        slack
        #\w+|[a-z]+_[a-z]+(?:\(\))?|timer|appointment|reservation|nearest|volume|spotify|invite
        """,
    ),
    words(
        "rewriting",
        1.75,
        "words of style",
        r"""
        clean up|same text|reword|(?:my|broken|better) english|for linkedin
        wording|phrasings?|tone|spelling|grammar|prose|formal|informal|polite(?:r|ly)?|warmer|friendlier|shorter
        catchier
        (?:how would|like) (?:a|an) \w+ (?:say|write)|alternatives? (?:for|to)|style|plain language|native speaker
        typos?
        """,
    ),
    words(
        "decomposition",
        1.75,
        "words of planning",
        r"""
        (?:individual |concrete |single |next )?steps|phases|stages|checklist|roadmap|milestones|tickets|epic|go about
        plan
        (?:needs|has|have) to be done|in (?:which|what) order|tasks|agenda|prerequisites|dependencies
        """,
    ),
    words(
        "error_quality_scoring",
        1.75,
        "words of marking",
        r"""
        give (?:it|this|them) a mark|stars|which (?:one|version|translation) is (?:better|best)
        scores?|grade|rank|points|stars|how (?:well|bad|severe|serious)|severity|worst|rating|marks|quality
        (?:response|answer|option|summary) [ab12]|criteria
        """,
    ),
    words(
        "rationale_generation",
        1.75,
        "words of giving reasons",
        r"""
        thinking behind|why (?:would|is|was) \w be
        reasons?|reasoning|arguments? for|conclusion|support (?:the|this|that) (?:claim|decision|answer|view)
        the right prediction
        why (?:might|would|is) (?:that|this|it) (?:be )?(?:\w+ )?(?:right|correct|true)|defend
        """,
    ),
    words(
        "parameter_extraction",
        1.5,
        "words of looking facts up in a text",
        r"""
        (?:from|out of) (?:the|this|that|my) (?:\w+ )?(?:mail|e-?mail|log|message|recipe|receipt|text)|appear in
        json|fields?|sender|recipient|amount due|order (?:id|number)|invoice|birth (?:date|place)|date of|bio|values?
        (?:in|from) (?:this|the|the following) (?:\w+ )?(?:message|text|e?-?mail|passage|sentence|listing|receipt)
        named in
        what (?:date|time|day|city|number)|columns?|csv|table with
        """,
    ),
    words(
        "classification",
        1.75,
        "words of sorting",
        r"""
        is (?:this|it|that) (?:a|an) [\w ]{1,20} or (?:a|an)|or not\?
        sarcasm|sarcastic|topics?|categor(?:y|ies)|priority|detect|genre|neutral|labels?|tags?|spam|phishing|intent
        emotion
        \w+, \w+,? or \w+|(?:low|small), (?:medium|middle),? (?:or |and )?(?:high|large)
        kind of (?:text|question|message)
        """,
    ),
    words(
        "instruction_routing",
        2.5,
        "asks for the right one to do it",
        r"""
        (?:which|what|right|correct|best|proper|appropriate) (?:\w+ ){0,2}?(?:api|person|queue|expert|tool|agent|\
            model|team|department|handler|specialist|assistant|function)
        (?:select|choose|pick) (?:the |a )?(?:\w+ )?(?:tool|agent|model|expert|function|handler)|web search or
        or from memory
        """,
    ),
    words(
        "reflection",
        1.75,
        "words of looking inward",
        r"""
        i keep|journal|diary|mistakes?|i (?:feel|felt|failed|struggle\w*|argued|worry|regret|realised|realized)
        my (?:thesis|career|diet)
        (?:your|my|our) (?:own )?(?:last|previous|earlier) (?:answer|attempt|response|try)
        the (?:last |previous )?attempt
        keep track|store this|log this|(?:project|sprint|week|day|meeting|it|things) went|did i tell you|take away from
        should change|try differently|about me|we (?:chose|decided|agreed)
        """,
    ),
    words(
        "research",
        1.75,
        "words of the present world",
        r"""
        analysts?|predict\w*|forecasts?|sourced|with figures|next year|airlines?|since (?:19|20)\d\d
        experts|lately|at the moment|these days|so far|(?:this|last|next) (?:summer|winter|season|decade|century)
        statistics
        (?:last|past) (?:week|month|year)|anything new|is leading|elections?|links?|rankings?|which \w+ has the best
        (?:today|tonight)\?|announce\w*|launched|released|scientists|compan(?:y|ies)|countries|countr(?:y|ies)'
        """,
    ),
    words(
        "private",
        3.0,
        "words of private life",
        r"""
        my (?:doctor|therapist|medication|depression|diary|pin|bank|illness|lawyer|divorce|children'?s?|daughter'?s?|\
            son'?s?)
        keep it (?:internal|private|local|secret|between)|nda|passport|lives at|any cloud|password|diary entry
        tax return
        """,
    ),
)

CODE_WORDS = words(
    "coding",
    1.5,
    "words of programming",
    r"""
    function|script|class|method|algorithm|heap|array|arrays|integers|iterator|async|tests?|regex|cron|endpoint|loop
    recursion|api
    css|html|npm|pip|git|sql|query|compiler?|variable|snippet|code|json|typescript|python|javascript|java|rust|docker
    kubernetes
    module|pull request|commit|merge|repo(?:sitory)?|branch|smart contract|list comprehension|flag|cli|backend|frontend
    database
    dict|hashmap|thread|pointer|library|framework|package|linter|build|pipeline|deploy\w*|c\+\+|postgres|change
    """,
)
"""What the talk is of when it is of programs; trouble with it is code_review, a wish is coding."""

TROUBLE = words(
    "code_review",
    2.5,
    "trouble with code",
    r"""
    bugs?|wrong|errors?|fail(?:s|ed|ing|ure)?|crash\w*|broken|slow|never (?:ends|stops|returns)|leaks?|correct|issues?
    problems?
    not (?:work\w*|applied|called|found|updat\w+)|approve|mistakes?|audit|what now|stuck|hangs?|infinite|unexpected\w*
    incorrect
    """,
)

CODE_STARTS = words(
    "coding",
    3.0,
    "states a programming problem",
    r"""
    given (?:an?|the|two|a sorted) (?:\w+ )?(?:array|string|list|integer|integers|matrix|linked list|binary tree|tree|\
        graph|strings|arrays)
    """,
)
