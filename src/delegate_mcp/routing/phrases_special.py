"""Turns of phrase that tell the smaller kinds of work, looked for where instructions stand.

To add one: a line of alternatives (regular expressions, lower case, whole words) in the row of its task type, or a new
row. A line that ends in a backslash goes on in the next.
"""

from delegate_mcp.routing.signals import Sign, words

_TEXT = (
    r"text|texts|signature|contract|document|e?-?mails?|message|page|listing|article|invoice|sentence|paragraph|note|notes|"
    r"transcript|resume|cv|bio|report|passage|description|following|below"
)

SPECIAL_PHRASES: tuple[Sign, ...] = (
    words(
        "rewriting",
        3.5,
        "asks to say it otherwise",
        r"""
        re-?writ(?:e|ten|ing)|re-?phras\w+|re-?word\w*|paraphras\w+|into plain english|grammar and spelling
        (?:make|sound) (?:it|this|these|that|the \w+|my \w+)?\s?(?:sound )?(?:a bit |slightly |much )?(?:more|less|\
            friendlier|clearer|shorter|nicer|simpler|concise|formal|polite|professional|casual)
        fix (?:the|my) (?:grammar|spelling|typos|punctuation)|in (?:a|an) (?:more )?(?:\w+ )?tone
        (?:passive|active) voice
        (?:say|write|phrase|put|express) (?:this|it|that|the \w+)(?: \w+)? (?:more|less|differently|nicer|better|\
            another way|in other words)
        more (?:politely|professionally|formally|concisely|casually|clearly)|in other words|in (?:your|my) own words
        cover letter
        """,
    ),
    words(
        "rewriting",
        3.0,
        "translation",
        r"""
        translate|translation
        (?:in|into|to) (?:french|spanish|german|italian|portuguese|japanese|chinese|korean|russian|arabic|dutch|hindi|\
            swedish)
        """,
    ),
    words(
        "classification",
        3.5,
        "asks for one of a set",
        r"""
        positive or negative|negative or positive|positive, negative|(?:spam|ham) or \w+|fact or (?:opinion|fiction)
        yes or no
        (?:what|which) (?:is the )?(?:category|class|label|topic|genre|sentiment|language|intent|emotion)|sentiment
        (?:pick|choose|select|assign) (?:one|a|the|an) (?:\w+ )?(?:category|label|class|tag|topic)|one of:
        true or false
        one of (?:the following|these) (?:categories|labels|classes|topics)|(?:list of )?(?:categories|labels|classes):
        into (?:one of )?(?:the )?(?:following )?(?:\w+ )?(?:categories|classes|groups|buckets)|belongs? to which
        (?:toxic|sarcastic|urgent|offensive|relevant|formal|spam|important|safe) or (?:not|non\w*|in\w+|un\w+)
        (?:look|looks|sound|sounds) like (?:spam|phishing|a scam|sarcasm)
        (?:bug|question|complaint|feature request),? or
        as (?:a |an |either )?\w+(?:, \w+)*,? or (?:a |an )?\w+
        """,
    ),
    words("classification", 2.0, "is it this or that", r"is (?:this|the|it) [\w ]{0,40}\w+ or \w+\?"),
    words(
        "parameter_extraction",
        3.5,
        "asks for fields",
        rf"""
        extract(?:ed|ing)?|pull out|pick out|key[- ]value pairs|named entities
        the following (?:fields|details|attributes)
        (?:return|output|give me|as|into) (?:a )?(?:valid )?json (?:object )?(?:with|containing)|key details
        structured data
        fill (?:in |out )?(?:these|the|this) (?:fields|form|slots|template)
        (?:all|every|each) (?:of )?(?:the )?(?:names?|dates?|e-?mails?|email addresses|phone numbers?|amounts?|\
            entit(?:y|ies)|urls?|places?|people|compan(?:y|ies)|numbers?)(?: and \w+)? (?:mentioned|in|from|out of|\
            that)
        (?:get|find|list|grab|collect|take|note|give|read) [^.\n?]{{3,80}} (?:from|in|out of|of) (?:this|the|these|\
            that|my) (?:\w+ )?(?:{_TEXT})
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
        which (?:answer|response|of (?:these|the) (?:two )?(?:\w+ )?(?:answers|responses|summaries|\
            translations)) is (?:better|best)
        quality of (?:the|this|these|each|an?) (?:\w+ )?(?:answer|response|output|translation|summary|essay|writing|\
            work|result)
        how (?:accurate|helpful|correct|relevant) (?:is|are|was)
        """,
    ),
    words(
        "decomposition",
        4.0,
        "asks to break it down",
        r"""
        (?:break|breaking|broken)\b[^.\n?]{0,80}? (?:down|into|up)|decompos\w+|sub-?tasks|sub-?questions|work breakdown
        (?:split|divide|turn|cut)\b[^.\n?]{0,80}? into (?:\w+ ){0,2}?(?:tasks|steps|parts|questions|tickets|issues|\
            stories|phases|goals|milestones|chunks)
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
        (?:which|what|right|best|appropriate|correct|suitable|proper) (?:\w+ )?(?:tools?|agents?|models?|teams?|\
            departments?|handlers?|queues?|assistants?|plugins?|specialists?|experts?|workflows?|\
            skills?) (?:to (?:use|handle|call|solve)|should|would|can|is best|for (?:this|the|each|a)|:)
        which of (?:these|the|our) (?:following |available )?(?:agents|tools|models|teams|departments|handlers|\
            assistants|queues)
        (?:choose|select|pick|decide(?: on)?) (?:the |a |an |one |which )?(?:\w+ )?(?:tool|agent|model|team|\
            department|handler|route|queue)
        who should (?:handle|take|get|deal|answer|own|look)|route (?:this|the|it|each)|best suited (?:to|for)
        (?:should|to) (?:be )?(?:routed|escalate[ds]?|forwarded|assigned|handed)
        to the (?:right|proper|correct) (?:team|person|department|agent|queue)
        should (?:this|it|these|that) go to|available (?:agents|teams|departments|handlers)
        (?:handlers|agents|departments|teams|queues):
        """,
    ),
    words(
        "rationale_generation",
        4.0,
        "asks why an answer holds",
        r"""
        (?:explain|say|show|justify|describe|tell me) (?:\w+ ){0,3}?why (?:the |this |that |your |option |choice |\
            \w )?(?:\w+ )?(?:answer|option|choice|decision|label|conclusion|correct|is (?:the )?(?:correct|right|best|\
            wrong))
        why (?:is|was) (?:the |this |that )?(?:answer|option|choice|decision|label|conclusion|verdict)\b
        reasoning (?:that )?(?:justifies|behind|supports|leads|process)|justif(?:y|ies|ication)|rationale
        decision record
        (?:reason|reasons|reasoning|argument) (?:for|behind) (?:the|this|that|our|choosing|picking)
        arrive at (?:the|this|that) answer
        why (?:we|they|you|i) (?:chose|picked|decided|went with|selected|prefer)
        """,
    ),
)
"""Every one that is found counts."""
