"""Turns of phrase that tell a task type, looked for where instructions stand: the head and the tail of a prompt.

To add one: a line of alternatives (regular expressions, lower case, whole words) in the row of its task type, or a new row.
"""

from delegate_mcp.routing.signals import LANGUAGES, Sign, words

_TEXT = (
    r"text|texts|signature|contract|document|e?-?mails?|message|page|listing|article|invoice|sentence|paragraph|note|notes|"
    r"transcript|resume|cv|bio|report|passage|description|following|below"
)

PHRASES: tuple[Sign, ...] = (
    words(
        "summarization",
        3.5,
        "asks for the short of it",
        r"""
        tl;?\s?dr|too long|in a nutshell|boils? (?:this |it |that )?down|main points|key points|(?:key|main) takeaways
        the gist|sum (?:this |it |that )?up|bottom line of|in brief|(?:say|says|said|about) in short|short version
        (?:\w+ )?things (?:i|we|you|one) (?:need|should|must|have) to (?:know|remember)|what(?:'s| is) (?:this|it) (?:all )?about
        (?:main|key|central|most important) (?:arguments?|ideas?|messages?|findings|things|facts|conclusions)
        """,
    ),
    words("summarization", 3.0, "summary word", r"summar(?:y|ies|i[sz]e[sd]?|i[sz]ing|i[sz]ation)|abstract for|synopsis"),
    words(
        "summarization",
        1.5,
        "length in sentences",
        r"""
        (?:in|to|with|write|into|under) (?:a|an|one|two|three|1|2|3|\d or \d|\d+|a few|a couple of) (?:short )?(?:sentences?|lines?|paragraphs?|bullets?|bullet points|words)
        """,
    ),
    words(
        "rewriting",
        3.5,
        "asks to say it otherwise",
        r"""
        re-?writ(?:e|ten|ing)|re-?phras\w+|re-?word\w*|paraphras\w+|into plain english|grammar and spelling
        (?:make|sound) (?:it|this|these|that|the \w+|my \w+)?\s?(?:sound )?(?:a bit |slightly |much )?(?:more|less|friendlier|clearer|shorter|nicer|simpler|concise|formal|polite|professional|casual)
        fix (?:the|my) (?:grammar|spelling|typos|punctuation)|in (?:a|an) (?:more )?(?:\w+ )?tone|(?:passive|active) voice
        (?:say|write|phrase|put|express) (?:this|it|that|the \w+)(?: \w+)? (?:more|less|differently|nicer|better|another way|in other words)
        more (?:politely|professionally|formally|concisely|casually|clearly)|in other words|in (?:your|my) own words|cover letter
        """,
    ),
    words(
        "rewriting",
        3.0,
        "translation",
        r"""
        translate|translation
        (?:in|into|to) (?:french|spanish|german|italian|portuguese|japanese|chinese|korean|russian|arabic|dutch|hindi|swedish)
        """,
    ),
    words(
        "classification",
        3.5,
        "asks for one of a set",
        r"""
        positive or negative|negative or positive|positive, negative|(?:spam|ham) or \w+|fact or (?:opinion|fiction)|yes or no
        (?:what|which) (?:is the )?(?:category|class|label|topic|genre|sentiment|language|intent|emotion)|sentiment
        (?:pick|choose|select|assign) (?:one|a|the|an) (?:\w+ )?(?:category|label|class|tag|topic)|one of:|true or false
        one of (?:the following|these) (?:categories|labels|classes|topics)|(?:list of )?(?:categories|labels|classes):
        into (?:one of )?(?:the )?(?:following )?(?:\w+ )?(?:categories|classes|groups|buckets)|belongs? to which
        (?:toxic|sarcastic|urgent|offensive|relevant|formal|spam|important|safe) or (?:not|non\w*|in\w+|un\w+)
        (?:look|looks|sound|sounds) like (?:spam|phishing|a scam|sarcasm)|(?:bug|question|complaint|feature request),? or
        as (?:a |an |either )?\w+(?:, \w+)*,? or (?:a |an )?\w+
        """,
    ),
    words("classification", 2.0, "is it this or that", r"is (?:this|the|it) [\w ]{0,40}\w+ or \w+\?"),
    words(
        "parameter_extraction",
        3.5,
        "asks for fields",
        rf"""
        extract(?:ed|ing)?|pull out|pick out|key[- ]value pairs|named entities|the following (?:fields|details|attributes)
        (?:return|output|give me|as|into) (?:a )?(?:valid )?json (?:object )?(?:with|containing)|key details|structured data
        fill (?:in |out )?(?:these|the|this) (?:fields|form|slots|template)
        (?:all|every|each) (?:of )?(?:the )?(?:names?|dates?|e-?mails?|email addresses|phone numbers?|amounts?|entit(?:y|ies)|urls?|places?|people|compan(?:y|ies)|numbers?)(?: and \w+)? (?:mentioned|in|from|out of|that)
        (?:get|find|list|grab|collect|take|note|give|read) [^.\n?]{{3,80}} (?:from|in|out of|of) (?:this|the|these|that|my) (?:\w+ )?(?:{_TEXT})
        """,
    ),
    words(
        "parameter_extraction",
        2.0,
        "details of a text",
        r"""
        (?:get|give|find|list|what are) (?:me )?(?:the |all )?(?:details|parameters|values|fields|attributes|arguments)
        into (?:\w+, )+\w+ and \w+
        """,
    ),
    words(
        "error_quality_scoring",
        4.0,
        "a scale",
        r"""
        on a scale (?:of|from)|(?:from )?(?:0|1|one|zero)\s?(?:-|\u2013|to|through) ?(?:5|10|100|five|ten)
        out of (?:5|10|100|ten|five)|(?:rate|score|grade) (?:this|the|these|each|it|my|how)|letter grade|rubric
        how (?:good|severe|serious|bad|well[- ]written|convincing|readable) (?:is|are|was|do)|impartial judge
        (?:quality|severity) (?:score|rating)
        """,
    ),
    words(
        "error_quality_scoring",
        2.5,
        "asks which answer is better",
        r"""
        which (?:answer|response|of (?:these|the) (?:two )?(?:\w+ )?(?:answers|responses|summaries|translations)) is (?:better|best)
        quality of (?:the|this|these|each|an?) (?:\w+ )?(?:answer|response|output|translation|summary|essay|writing|work|result)
        how (?:accurate|helpful|correct|relevant) (?:is|are|was)
        """,
    ),
    words(
        "decomposition",
        4.0,
        "asks to break it down",
        r"""
        (?:break|breaking|broken)\b[^.\n?]{0,80}? (?:down|into|up)|decompos\w+|sub-?tasks|sub-?questions|work breakdown
        (?:split|divide|turn|cut)\b[^.\n?]{0,80}? into (?:\w+ ){0,2}?(?:tasks|steps|parts|questions|tickets|issues|stories|phases|goals|milestones|chunks)
        smaller (?:tasks|steps|pieces|questions|parts|goals)|task planning|user stories|in what order
        (?:what|which) (?:are the )?(?:steps|tasks) (?:do|should|would|are|to|needed|must|i|we)
        the (?:basic |individual |necessary )?(?:steps|tasks|activities) (?:needed|required|to|for|necessary)
        (?:step[- ]by[- ]step|project|action|study|training|migration|rollout) plan|with (?:milestones|dependencies)
        """,
    ),
    words(
        "instruction_routing",
        4.0,
        "asks who or what should do it",
        r"""
        (?:which|what|right|best|appropriate|correct|suitable|proper) (?:\w+ )?(?:tools?|agents?|models?|teams?|departments?|handlers?|queues?|assistants?|plugins?|specialists?|experts?|workflows?|skills?) (?:to (?:use|handle|call|solve)|should|would|can|is best|for (?:this|the|each|a)|:)
        which of (?:these|the|our) (?:following |available )?(?:agents|tools|models|teams|departments|handlers|assistants|queues)
        (?:choose|select|pick|decide(?: on)?) (?:the |a |an |one |which )?(?:\w+ )?(?:tool|agent|model|team|department|handler|route|queue)
        who should (?:handle|take|get|deal|answer|own|look)|route (?:this|the|it|each)|best suited (?:to|for)
        (?:should|to) (?:be )?(?:routed|escalate[ds]?|forwarded|assigned|handed)|to the (?:right|proper|correct) (?:team|person|department|agent|queue)
        should (?:this|it|these|that) go to|available (?:agents|teams|departments|handlers)|(?:handlers|agents|departments|teams|queues):
        """,
    ),
    words(
        "rationale_generation",
        4.0,
        "asks why an answer holds",
        r"""
        (?:explain|say|show|justify|describe|tell me) (?:\w+ ){0,3}?why (?:the |this |that |your |option |choice |\w )?(?:\w+ )?(?:answer|option|choice|decision|label|conclusion|correct|is (?:the )?(?:correct|right|best|wrong))
        why (?:is|was) (?:the |this |that )?(?:answer|option|choice|decision|label|conclusion|verdict)\b
        reasoning (?:that )?(?:justifies|behind|supports|leads|process)|justif(?:y|ies|ication)|rationale|decision record
        (?:reason|reasons|reasoning|argument) (?:for|behind) (?:the|this|that|our|choosing|picking)|arrive at (?:the|this|that) answer
        why (?:we|they|you|i) (?:chose|picked|decided|went with|selected|prefer)
        """,
    ),
    words(
        "reflection",
        3.5,
        "looks back",
        r"""
        reflect(?:ion|ing|ions|ed)?|self-?refle\w+|self-?critique|lessons? (?:learned|learnt|from)|the lessons|learn from
        what (?:did|have|can|should) (?:i|we|you) learn\w*|went (?:wrong|well)|look(?:ing)? back|retrospective|post-?mortem
        in hindsight|(?:do|done|doing) (?:it |this |that )?(?:better|differently|wrong)|previous (?:attempts?|trial|try|mistakes?)
        past (?:attempts?|mistakes?|sessions?|conversations?)|next time|blind ?spots?|year in review|review my (?:week|day|month|year)
        my (?:goals|habits|journal|patterns|progress|mistakes|behaviou?r|week|life)|what patterns
        """,
    ),
    words(
        "reflection",
        3.5,
        "for the memory",
        r"""
        remember (?:that|this|my|to|for)|for (?:future reference|later|next time)|keep in mind|long-term memory|note to self
        update (?:your|the|my) memor(?:y|ies)|(?:save|store|add|commit|write) (?:this |that |it )?(?:to|in|into) (?:your |the |my )?memory
        note (?:that|for later)|don'?t forget|what do you (?:know|remember) about me|i (?:always |usually )?prefer|my preferences?
        """,
    ),
    words(
        "research",
        2.5,
        "asks for what is new",
        r"""
        latest|recent(?:ly)?|up[- ]to[- ]date|breaking|newest|news|state[- ]of[- ]the[- ]art|as of|right now|currently|nowadays
        this (?:week|month|year|quarter)|current (?:\w+ )?(?:state|status|price|president|ceo|version|head|champion|record|trends?|situation)
        trends?|to date|what(?:'s| is) new|what happened (?:in|to|at|with|on|during)|who won
        """,
    ),
    words("research", 2.5, "a year of late", r"202[4-9]"),
    words(
        "research",
        3.0,
        "asks for sources",
        r"""
        (?:search|look\w*|browse|check|scour) (?:\w+ ){0,3}?(?:the )?(?:web|internet|online|up)|online|sources|citations?|cite
        references|peer[- ]reviewed|(?:research|academic|scientific) (?:papers?|articles?|studies|literature|progress)|literature
        published|find (?:\w+ ){0,3}?(?:papers|articles|studies|statistics|data|evidence|reports|examples of)|any evidence
        """,
    ),
    words(
        "research",
        2.0,
        "a wide field",
        r"""
        comprehensive|in[- ]depth|detailed (?:analysis|overview|report|explanation|comparison)|thorough(?:ly)?|deep dive|market
        industry|vendors?|competitors?|landscape|global(?:ly)?|initiatives|investments|regulations?|developments?|acquired by
        differences and connections
        """,
    ),
    words(
        "reasoning",
        2.5,
        "asks to think",
        r"""
        step[- ]by[- ]step|think (?:carefully|through|hard|about whether)|show your (?:work|reasoning)|reason (?:through|about)
        work (?:it |this )?out|logic(?:al)? (?:puzzle|problem)|puzzle|riddle|paradox|prove that|proof|contradiction|fallacy
        (?:flaw|error|mistake|hole) in (?:this|the|my) (?:argument|reasoning|logic|proof)|(?:second|first)-order effects
        if (?:all|some|no|every) \w+ are|what (?:does|do|did|will|would) (?:each|every)|logically|it follows
        """,
    ),
    words(
        "reasoning",
        2.5,
        "weighs",
        r"""
        trade-?offs?|pros and cons|weigh|should (?:we|i) \w+ .{0,80}\bor\b|implications? of|root cause|(?:cost|risk)[- ]benefit
        which (?:option|choice|approach|one|strategy|design|plan) (?:is|would be|should|makes)|worth it|counter-?arguments?
        (?:better|best|right|wiser) (?:choice|option|approach|strategy|decision)|what would happen if|optimal|and decide
        """,
    ),
    words(
        "reasoning",
        2.5,
        "mathematics",
        r"""
        probability|equation|integral|derivative|theorem|expected value|permutations?|combinations|prime numbers?|modulo
        polynomial|matrix|compound interest|break-?even|how many (?:different )?ways|solve for|square root|fraction
        """,
    ),
    words(
        "tool_calling",
        3.5,
        "asks for a tool",
        r"""
        (?:use|call|using|invoke|calling|with|via|through) (?:the |a |an |my |your )?[\w.` ]{0,30}?(?:tools?|functions?|api|endpoint|plugin)
        function call|tool call|api call|(?:functions|tools) (?:that )?you (?:may|can|have)|you have access to (?:the |a )?(?:following )?\w+
        set (?:a|an|the) (?:\w+ )?(?:timer|alarm|reminder|thermostat|temperature)|turn (?:on|off|up|down) the|turn the \w+
        remind me (?:to|at|about)|(?:add|create) (?:[\w']+ ){0,4}?(?:calendar|event|reminder|playlist|cart)|to my (?:\w+ )?(?:list|cart|calendar|account)
        (?:send|write) (?:\w+ )?(?:an? )?(?:email|message|text|sms|slack message) (?:to|saying)|play (?:some |a )?(?:music|songs?|my playlist)
        book (?:a|an|me|us|two|the)|what(?:'s| is) the weather|weather (?:in|for|forecast)
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
        2.5,
        "work on code",
        r"""
        refactor(?:ing)?|implement (?:a|an|the|this)|unit tests?|test coverage|type hints|boilerplate|codebase|leetcode
        add (?:a |an )?(?:\w+ )?(?:feature|endpoint|flag|field|option|button|column|support|pagination|validation|logging|caching)
        solution to the following problem|(?:python|java|javascript|c\+\+|typescript|rust|go) (?:function|program|script|code|class|solution|method)
        (?:give|show|send) me the code|how (?:would|do|can|could|should) (?:i|you|we) (?:write|implement|code|program)
        """,
    ),
    words(
        "code_review",
        3.5,
        "asks what is wrong with code",
        r"""
        code review|(?:review|look over|look at|check|critique) (?:this|the|my|our) (?:[\w-]+ )?(?:code|pr|pull request|diff|patch|changes?|commit|function|class|module|design|architecture|implementation|schema|script|query|handler|migration)
        (?:find|fix|spot|locate|identify|for|any)\b[\w ,']{0,25}\b(?:bugs?|errors? in|issues? in|mistakes? in|vulnerabilit\w+|(?:security|performance) (?:problems?|issues?|bugs?))
        (?:faulty|buggy|broken|failing|flaky) (?:\w+ )?(?:code|test|tests|function|build|query|script)|is flaky|debug(?:ging)?|stack ?trace|traceback|segfault
        what'?s wrong with (?:this|my|the) (?:\w+ )?(?:code|function|query|script|regex|loop|class|component|test|implementation)
        why (?:does|is|do|am|are|did) (?:this|my|the|i)\b.{0,60}\b(?:crash|fail|throw|error|hang|break|return|raise|not work|leak|null|undefined|slow|exception)\w*
        (?:function|code|script|test|app|program|build|query|method|loop|server|endpoint|handler|component|page|job)s? (?!that |which )(?:\w+ ){0,1}?(?:returns (?:undefined|null|none|nan|nothing|the wrong|wrong|an? error|an empty|garbage)|crash\w*|fails?|hangs?|throws?|breaks?|freezes?|leaks?|doesn'?t|does not|isn'?t)\b
        (?:doesn'?t|does not|isn'?t|not|stopped) (?:work|compil|build|render)\w*|thread[- ]safe|sql injection|code smells?|null ?pointer
        race conditions?|deadlocks?|memory leaks?|off[- ]by[- ]one|security (?:issues?|holes?|flaws?|review)|edge cases? (?:am i|did i|does)
        (?:can'?t|cannot|don'?t) (?:see|figure out|find out|understand|know) why|error handling in (?:this|the|my)
        """,
    ),
    words(
        "code_review",
        2.5,
        "an error message",
        r"""
        \w+(?:error|exception)\b:|(?:syntax|type|value|key|index|attribute|reference|runtime|import|compile|null ?pointer)[ _]?(?:error|exception)
        undefined is not|cannot read propert\w+|exit code [1-9]\d*|core dumped|stack overflow
        """,
    ),
    words(
        "private",
        4.5,
        "says it is private",
        r"""
        confidential|strictly private|keep (?:this|it) (?:private|secret|local|between)|off the record|under nda|locally only
        (?:do not|don'?t|never|must not|cannot|can'?t) (?:share|leave|upload|send|disclose|leak|go to)\b[^.\n]{0,40}
        sensitive (?:data|information|personal)|on[- ](?:device|premises?|prem) only|attorney[- ]client|for internal use only
        personally identif\w+|hipaa|not for (?:distribution|the cloud)|between (?:us|you and me)|anonymi[sz]e
        """,
    ),
    words(
        "private",
        3.0,
        "a person's own matters",
        r"""
        (?:my|his|her|their|our|patient'?s?|employee'?s?|client'?s?|customer'?s?) (?:\w+ )?(?:ssn|social security|passport|credit card|debit card|card number|bank (?:account|statement)|account number|iban|salary|payslip|diagnosis|medical (?:record|history|results)|test results|prescription|therap\w+|home address|address is|address:|phone number|date of birth|driver'?s licen[cs]e|tax return|divorce|password|pin code|blood test)
        patient (?:name|id|record|is|was|presents|presented)|patients? \w+ \w+,? (?:is |was |aged? )?\d{1,3}|presents? with|medical records?
        social security number|mrn|date of birth|dob:|ssn:?|passport (?:no|number)|credit card|salar(?:y|ies) (?:of|for)|payroll
        """,
    ),
)
"""All turns of phrase; every one that is found counts."""
