"""Turns of phrase that tell the types of the routing table, looked for where instructions stand.

To add one: a line of alternatives (regular expressions, lower case, whole words) in the row of its task type, or a new
row. A line that ends in a backslash goes on in the next.
"""

from delegate_mcp.routing.signals import LANGUAGES, Sign, words

GENERAL_PHRASES: tuple[Sign, ...] = (
    words(
        "summarization",
        3.5,
        "asks for the short of it",
        r"""
        tl;?\s?dr|too long|in a nutshell|boils? (?:this |it |that )?down|main points|key points|(?:key|main) takeaways
        the gist|sum (?:this |it |that )?up|bottom line of|in brief|(?:say|says|said|about) in short|short version
        (?:\w+ )?things (?:i|we|you|one) (?:need|should|must|have) to (?:know|remember)
        what(?:'s| is) (?:this|it) (?:all )?about
        (?:main|key|central|most important) (?:arguments?|ideas?|messages?|findings|things|facts|conclusions)
        """,
    ),
    words(
        "summarization", 3.0, "summary word", r"summar(?:y|ies|i[sz]e[sd]?|i[sz]ing|i[sz]ation)|abstract for|synopsis"
    ),
    words(
        "summarization",
        1.5,
        "length in sentences",
        r"""
        (?:in|to|with|write|into|under) (?:a|an|one|two|three|1|2|3|\d or \d|\d+|a few|\
            a couple of) (?:short )?(?:sentences?|lines?|paragraphs?|bullets?|bullet points|words)
        """,
    ),
    words(
        "reflection",
        3.5,
        "looks back",
        r"""
        reflect(?:ion|ing|ions|ed)?|self-?refle\w+|self-?critique|lessons? (?:learned|learnt|from)|the lessons
        learn from
        what (?:did|have|can|should) (?:i|we|you) learn\w*|went (?:wrong|well)|look(?:ing)? back|retrospective
        post-?mortem
        in hindsight|(?:do|done|doing) (?:it |this |that )?(?:better|differently|wrong)
        previous (?:attempts?|trial|try|mistakes?)
        past (?:attempts?|mistakes?|sessions?|conversations?)|next time|blind ?spots?|year in review
        review my (?:week|day|month|year)
        my (?:goals|habits|journal|patterns|progress|mistakes|behaviou?r|week|life)|what patterns
        """,
    ),
    words(
        "reflection",
        3.5,
        "for the memory",
        r"""
        remember (?:that|this|my|to|for)|for (?:future reference|later|next time)|keep in mind|long-term memory
        note to self
        update (?:your|the|my) memor(?:y|ies)
        (?:save|store|add|commit|write) (?:this |that |it )?(?:to|in|into) (?:your |the |my )?memory
        note (?:that|for later)|don'?t forget|what do you (?:know|remember) about me|i (?:always |usually )?prefer
        my preferences?
        """,
    ),
    words(
        "research",
        2.5,
        "asks for what is new",
        r"""
        latest|recent(?:ly)?|up[- ]to[- ]date|breaking|newest|news|state[- ]of[- ]the[- ]art|as of|right now|currently
        nowadays
        this (?:week|month|year|quarter)
        current (?:\w+ )?(?:state|status|price|president|ceo|version|head|champion|record|trends?|situation)
        trends?|to date|what(?:'s| is) new|what happened (?:in|to|at|with|on|during)|who won
        """,
    ),
    words("research", 2.5, "a year of late", r"202[4-9]"),
    words(
        "research",
        3.0,
        "asks for sources",
        r"""
        (?:search|look\w*|browse|check|scour) (?:\w+ ){0,3}?(?:the )?(?:web|internet|online|up)|online|sources
        citations?|cite
        references|peer[- ]reviewed|(?:research|academic|scientific) (?:papers?|articles?|studies|literature|progress)
        literature
        published|find (?:\w+ ){0,3}?(?:papers|articles|studies|statistics|data|evidence|reports|examples of)
        any evidence
        """,
    ),
    words(
        "research",
        2.0,
        "a wide field",
        r"""
        comprehensive|in[- ]depth|detailed (?:analysis|overview|report|explanation|comparison)|thorough(?:ly)?
        deep dive|market
        industry|vendors?|competitors?|landscape|global(?:ly)?|initiatives|investments|regulations?|developments?
        acquired by
        differences and connections
        """,
    ),
    words(
        "reasoning",
        2.5,
        "asks to think",
        r"""
        step[- ]by[- ]step|think (?:carefully|through|hard|about whether)|show your (?:work|reasoning)
        reason (?:through|about)
        work (?:it |this )?out|logic(?:al)? (?:puzzle|problem)|puzzle|riddle|paradox|prove that|proof|contradiction
        fallacy
        (?:flaw|error|mistake|hole) in (?:this|the|my) (?:argument|reasoning|logic|proof)
        (?:second|first)-order effects
        if (?:all|some|no|every) \w+ are|what (?:does|do|did|will|would) (?:each|every)|logically|it follows
        """,
    ),
    words(
        "reasoning",
        2.5,
        "weighs",
        r"""
        trade-?offs?|pros and cons|weigh|should (?:we|i) \w+ .{0,80}\bor\b|implications? of|root cause
        (?:cost|risk)[- ]benefit
        which (?:option|choice|approach|one|strategy|design|plan) (?:is|would be|should|makes)|worth it
        counter-?arguments?
        (?:better|best|right|wiser) (?:choice|option|approach|strategy|decision)|what would happen if|optimal
        and decide
        """,
    ),
    words(
        "reasoning",
        2.5,
        "mathematics",
        r"""
        probability|equation|integral|derivative|theorem|expected value|permutations?|combinations|prime numbers?
        modulo
        polynomial|matrix|compound interest|break-?even|how many (?:different )?ways|solve for|square root|fraction
        """,
    ),
    words(
        "tool_calling",
        3.5,
        "asks for a tool",
        r"""
        (?:use|call|using|invoke|calling|with|via|through) (?:the |a |an |my |your )?[\w.` ]{0,30}?(?:tools?|\
            functions?|api|endpoint|plugin)
        function call|tool call|api call|(?:functions|tools) (?:that )?you (?:may|can|have)
        you have access to (?:the |a )?(?:following )?\w+
        set (?:a|an|the) (?:\w+ )?(?:timer|alarm|reminder|thermostat|temperature)|turn (?:on|off|up|down) the
        turn the \w+
        remind me (?:to|at|about)|(?:add|create) (?:[\w']+ ){0,4}?(?:calendar|event|reminder|playlist|cart)
        to my (?:\w+ )?(?:list|cart|calendar|account)
        (?:send|write) (?:\w+ )?(?:an? )?(?:email|message|text|sms|slack message) (?:to|saying)
        play (?:some |a )?(?:music|songs?|my playlist)
        book (?:a|an|me|us|two|the)|(?:what|how)(?:'s| is| will) the weather|weather (?:in|for|at|on|forecast|today|be)
        (?:is|will) (?:it|there) (?:be )?(?:rain|snow|sunny|foggy|windy|cloudy|freezing|fog|a storm)\w*
        """,
    ),
    words(
        "coding",
        1.5,
        "a language named",
        rf"""
        (?:in|using|with|to|an?|idiomatic|modern) (?:{LANGUAGES})(?![\w+#])
        """,
    ),
    words(
        "coding",
        1.5,
        "a tool of programmers named",
        r"""
        pandas|numpy|matplotlib|django|flask|data ?frames?|javascript|typescript|jquery|mysql|postgres\w*|mongodb
        sqlalchemy|selenium|dockerfile|kubernetes|webpack|list comprehension|regex|groupby
        """,
    ),
    words(
        "coding",
        2.5,
        "work on code",
        r"""
        refactor(?:ing)?|implement (?:a|an|the|this)|unit tests?|test coverage|type hints|boilerplate|codebase|leetcode
        add (?:a |an )?(?:\w+ )?(?:feature|endpoint|flag|field|option|button|column|support|pagination|validation|\
            logging|caching)
        solution to the following problem
        (?:python|java|javascript|c\+\+|typescript|rust|go) (?:function|program|script|code|class|solution|method)
        (?:give|show|send) me the code|how (?:would|do|can|could|should) (?:i|you|we) (?:write|implement|code|program)
        """,
    ),
    words(
        "code_review",
        3.5,
        "asks what is wrong with code",
        r"""
        code review
        (?:review|look over|look at|check|critique) (?:this|the|my|our) (?:[\w-]+ )?(?:code|pr|pull request|diff|\
            patch|changes?|commit|function|class|module|design|architecture|implementation|schema|script|query|\
            handler|migration)
        (?:find|fix|spot|locate|identify|for|any)\b[\w ,']{0,25}\b(?:bugs?|errors? in|issues? in|mistakes? in|\
            vulnerabilit\w+|(?:security|performance) (?:problems?|issues?|bugs?))
        (?:faulty|buggy|broken|failing|flaky) (?:\w+ )?(?:code|test|tests|function|build|query|script)|is flaky
        debug(?:ging)?|stack ?trace|traceback|segfault
        what'?s wrong with (?:this|my|the) (?:\w+ )?(?:code|function|query|script|regex|loop|class|component|test|\
            implementation)
        why (?:does|is|do|am|are|did) (?:this|my|the|i)\b.{0,60}\b(?:crash|fail|throw|error|hang|break|return|raise|\
            not work|leak|null|undefined|slow|exception)\w*
        (?:function|code|script|test|app|program|build|query|method|loop|server|endpoint|handler|component|page|\
            job)s? (?!that |which )(?:\w+ ){0,1}?(?:returns (?:undefined|null|none|nan|nothing|the wrong|wrong|\
            an? error|an empty|garbage)|crash\w*|fails?|hangs?|throws?|breaks?|freezes?|leaks?|doesn'?t|does not|\
            isn'?t)\b
        (?:doesn'?t|does not|isn'?t|not|stopped) (?:work|compil|build|render)\w*|thread[- ]safe|sql injection
        code smells?|null ?pointer
        why (?:am i|do i|are we|do we) (?:\w+ )?(?:getting|get|seeing|see|receiv\w+) (?:an? |the )?(?:\d{3}|\
            \w*error\w*|null|nothing)
        pass(?:es)? locally|doesn'?t (?:match|compile|run|start|load|update|return)|mutex|callback|works on my machine
        race conditions?|deadlocks?|memory leaks?|off[- ]by[- ]one|security (?:issues?|holes?|flaws?|review)
        edge cases? (?:am i|did i|does)
        (?:can'?t|cannot|don'?t) (?:see|figure out|find out|understand|know) why|error handling in (?:this|the|my)
        """,
    ),
    words(
        "code_review",
        2.5,
        "an error message",
        r"""
        \w+(?:error|exception)\b:
        (?:syntax|type|value|key|index|attribute|reference|runtime|import|compile|null ?pointer)[ _]?(?:error|\
            exception)
        undefined is not|cannot read propert\w+|exit code [1-9]\d*|core dumped|stack overflow
        """,
    ),
    words(
        "private",
        7.0,
        "says it is private",
        r"""
        (?:let|letting) (?:this|it|that|these|them) leave
        leave (?:my|this|our) (?:machine|computer|laptop|network|office)
        stays? on (?:my|this|our) (?:machine|computer|laptop|device|network)
        confidential|strictly private|keep (?:this|it) (?:private|secret|local|between)|off the record|under nda
        locally only
        (?:do not|don'?t|never|must not|cannot|can'?t) (?:share|leave|upload|send|disclose|leak|go to)\b[^.\n]{0,40}
        sensitive (?:data|information|personal)|on[- ](?:device|premises?|prem) only|attorney[- ]client
        for internal use only
        personally identif\w+|hipaa|not for (?:distribution|the cloud)|between (?:us|you and me)|anonymi[sz]e
        """,
    ),
    words(
        "private",
        3.0,
        "a person's own matters",
        r"""
        (?:my|his|her|their|our|patient'?s?|employee'?s?|client'?s?|customer'?s?) (?:\w+ )?(?:ssn|social security|\
            passport|credit card|debit card|card number|bank (?:account|statement)|account number|iban|salary|payslip|\
            diagnosis|medical (?:record|history|results)|test results|prescription|therap\w+|home address|address is|\
            address:|phone number|date of birth|driver'?s licen[cs]e|tax return|divorce|password|pin code|blood test)
        patient (?:name|id|record|is|was|presents|presented)|patients? \w+ \w+,? (?:is |was |aged? )?\d{1,3}
        presents? with|medical records?
        social security number|mrn|date of birth|dob:|ssn:?|passport (?:no|number)|credit card
        salar(?:y|ies) (?:of|for)|payroll
        """,
    ),
)
"""Every one that is found counts."""
