# ruff: noqa: RUF001  # letters of other alphabets are what this table is made of
"""Turns of phrase in other languages: by what people ask for each kind of work in ten of them. Stems, as these inflect.

German, French, Spanish, Italian, Portuguese, Dutch, Polish, Russian, Chinese and Japanese. They are looked for only
where a text is not plain English, so that English is not slowed by them.
"""

import re

from delegate_mcp.routing.signals import Sign, shape

_ELSEWHERE = re.compile(
    r"[^\W\d_a-z]|\b(?:der|die|das|den|ein|eine|und|ist|wie|was|ich|mir|bitte|nicht|zu|im|auf|kannst|welche[rs]?|"
    r"le|la|les|des|une|est|que|qui|dans|pour|quels?|quelles?|el|los|las|una|con|por|para|"
    r"il|che|di|del|della|sono|cosa|quest[oa]|quali|um|uma|dos|da|com|de|du|"
    r"het|een|van|naar|je|dit|deze|welke?|kun|ik|jest|nie|jak|czy|dla)\b"
)


def elsewhere(text: str) -> bool:
    """Whether a text in lower case may be in another language than English."""
    return _ELSEWHERE.search(text) is not None


LANGUAGE_PHRASES: tuple[Sign, ...] = (
    shape(
        "summarization",
        5.5,
        "asks for the short of it",
        r"""
        zusammenfass|fass\w* .{0,60}zusammen|das wichtigste aus|kernaussagen|worum geht|r[ée]sum[ée]|en bref
        points cl[ée]s|de quoi parle|resum[ei]|s[íi]ntesis|de qu[ée] trata|riassum|riassunto|in breve
        di cosa parla|samenvat|vat .{0,40}samen|waar gaat .{0,30}over|streszcz|podsumuj|кратко|если коротко
        резюмир|суммиру|краткое содержание|о ч[её]м (?:этот|текст)|总结|概括|摘要|概述|归纳|要点|要約|まとめて
        概要
        """,
    ),
    shape(
        "rewriting",
        5.5,
        "asks for other words",
        r"""
        [üu]bersetz|umformulier|formulier\w* .{0,60}(?:um|h[öo]flich|freundlich|anders)|umschreib|korrigier
        freundlicher|h[öo]flicher|tradui|reformul|corrige|r[ée][ée]cri|plus poli|traduc|reescrib|corregir
        m[áa]s formal|riscriv|riformula|correggi|traduz|reescrev|corrij|vertaal|herschrijf|verbeter|herformuleer
        przet[łl]umacz|przepisz|popraw|перевед|перепиш|перефразир|исправь|переформулир|翻译|改写|改成|润色|重写
        修改.{0,12}(?:句|语法|文)|换(?:一种|个)说法|修正.{0,8}(?:语法|错误)|译成|扩写|缩写|翻訳|言い換え
        書き換え|書き直|添削|敬語に|訳して
        """,
    ),
    shape(
        "classification",
        5.5,
        "asks for a label",
        r"""
        klassifizier|ordne .{0,60}zu\b|kategorisier|positiv.{0,6}(?:,|oder|o|ou|或).{0,12}negativ|classe[rz]?[ ]
        classifi|cat[ée]goris|clasifica|categoriza|classifica|classificeer|sklasyfikuj|przypisz .{0,40}kategori
        (?:qu[ée]|welche[rs]?|quelle|quale|qual|welke) (?:categor[íi]a|kategorie|cat[ée]gorie|categorie)
        классифицир|определи тональность|к какой категории|分类|归类|情感(?:分析|倾向)|属于(?:哪|什么)
        判断.{0,20}(?:情感|类别|是否)|标记为|分類|どのカテゴリ|ポジティブか
        """,
    ),
    shape(
        "parameter_extraction",
        5.5,
        "asks for what a text holds",
        r"""
        extrahier|entnimm|lies .{0,40}heraus|extrai|relev[ée]|rel[èe]ve|extrae|estrai|haal .{0,40}uit
        wyodr[ęe]bnij|wypisz
        (?:quali|welche|quelles?|qu[ée]|welke|jakie|какие) .{0,50}(?:nel testo|im text|dans le (?:texte|docu\
        ment)|en el texto|in deze|w tek[śs]cie|в тексте)|извлек|выпиши|найди в тексте|提取|抽取
        找出.{0,16}(?:关键|实体|人名|地名|信息)|关键词
        根据(?:以上|下面|给出|上述|文章|文本).{0,20}(?:回答|提取|信息)|抽出|取り出|抜き出|書き出
        """,
    ),
    shape(
        "coding",
        5.5,
        "asks for code",
        r"""
        (?:schreib|programmier|implementier|erstell|[ée]cri[srtv]|code[rz]?|impl[ée]ment|escrib|crea|program\
        a|implementa|scriv|escrev|crie|fazer|schrijf|maak|napisz|напиш|реализу|созда|写|编写|实现|用|書いて|\
        作成|作って).{0,60}(?:funktion|skript|script|program|code|klasse|abfrage|regex|fonction|requ[êe]te|c\
        lasse|funci[óo]n|c[óo]digo|consulta|funzione|codice|query|fun[çc][ãa]o|functie|funkcj|skrypt|app |фу\
        нкци|скрипт|код|запрос|python|java|sql|函数|代码|程序|脚本|算法|関数|コード|スクリプト|プログラム)
        (?:wie|comment|c[óo]mo|come|como|hoe|jak|как) .{0,60}(?:python|javascript|java|sql|excel|bash|flutte\
        r|react|rust|php)|代码实现|コードを書
        """,
    ),
    shape(
        "code_review",
        6.0,
        "asks what is wrong with code",
        r"""
        (?:warum|wieso|pourquoi|por qu[ée]|perch[ée]|por que|waarom|dlaczego|почему|为什么|なぜ|どうして).{0\
        ,80}(?:fehler|error|erreur|errore|erro|fout|b[łl][ąa]d|ошибк|exception|undefined|null|funktioniert n\
        icht|ne (?:marche|fonctionne)|no funciona|non funziona|n[ãa]o funciona|werkt niet|nie dzia[łl]a|не р\
        аботает|报错|错误|出错|エラー|動かない)
        (?:finde|behebe|trouve|corrige|encuentra|arregla|trova|encontre|найди|исправь|找出|修复|修正|检查).{\
        0,40}(?:fehler|bug|erreur|errore|erro|ошибк|баг|错误|问题)|foutmelding|code nakijken|fehlermeldung
        mensaje de error|messaggio di errore|komunikat b[łl][ęe]du
        (?:代码|コード|код).{0,20}(?:有什么问题|哪里错|审查|レビュー|проверь)|去bug
        """,
    ),
    shape(
        "decomposition",
        5.5,
        "asks for steps",
        r"""
        zerleg|arbeitsschritt|teilaufgaben|aufgabenliste|in welcher reihenfolge|d[ée]coup|d[ée]compos
        [ée]tapes (?:pour|de)|sous-t[âa]ches|divide .{0,40}(?:pasos|tareas)|desglos|descomp|pasos para|scomponi
        suddividi|passaggi per|divida .{0,40}(?:passos|tarefas)|passo a passo|stappenplan|deeltaken|rozbij
        podziel .{0,30}na
        (?:welche|quelles|qu[ée]|quali|quais|welke|jakie|какие) (?:schritte|[ée]tapes|pasos|passi|passos|sta\
        ppen|kroki|шаги)|разбей|пошагов|составь план|分解|拆解|拆分|步骤|制定.{0,16}计划|子任务|手順|ステップに
        タスクに分
        """,
    ),
    shape(
        "error_quality_scoring",
        5.5,
        "asks for a score",
        r"""
        bewerte|benote|note .{0,40}sur \d|[ée]value[rz]? .{0,60}(?:de|sur) \d|califica|punt[úu]a
        valora .{0,40}del? \d|valuta .{0,40}da \d|valuta la qualit[àa]|avalie .{0,60}\d|beoordeel|oce[ńn]
        (?:welche|quelle|cu[áa]l|quale|qual|welk|kt[óo]ra|как\w+) .{0,40}(?:antwort|r[ée]ponse|respuesta|ris\
        posta|resposta|antwoord|odpowied|ответ)\w* .{0,30}(?:besser|meilleur|mejor|migliore|melhor|beter|lep\
        sz|лучше)|оцени|поставь оценку|打分|评分|评价.{0,20}(?:质量|分)|哪个(?:回答|答案)更好|採点|点数|何点
        どちらが優れ
        """,
    ),
    shape(
        "rationale_generation",
        4.5,
        "asks why an answer holds",
        r"""
        begr[üu]nde|nenne .{0,20}gr[üu]nde|justifie|expliqu\w* pourquoi|raisons de (?:cette|la) d[ée]cision
        justifica|explica por qu[ée]|razones de (?:esta|la) decisi[óo]n|giustifica|spiega perch[ée]|justifique
        motiveer|uzasadni|обоснуй|объясни,? почему|说明理由|给出理由|解释为什么|根拠を|理由を説明
        """,
    ),
    shape(
        "instruction_routing",
        5.5,
        "asks who should do it",
        r"""
        (?:welche[sr]?|naar welk) (?:abteilung|werkzeug|agent|modell|team)|weiterleiten|leite .{0,40}weiter
        zust[äa]ndig|quel(?:le)? (?:outil|agent|service|[ée]quipe)|[àa] qui (?:transmettre|envoyer)
        qu[ée] (?:herramienta|agente|equipo|departamento)|a qui[ée]n (?:paso|env[íi]o)
        quale (?:strumento|agente|reparto)|inoltrare|qual (?:ferramenta|agente|equipe)|doorgestuurd|przekaza[ćc]
        какой (?:инструмент|агент|отдел)|кому (?:передать|направить)|哪个(?:工具|部门|助手|模型|团队|代理)
        转给谁|どの(?:ツール|部署|エージェント|チーム)|誰に(?:転送|渡)
        """,
    ),
    shape(
        "research",
        5.5,
        "asks for what is new",
        r"""
        aktuell|neueste|derzeit|recherchier|quellen|derni[èe]re?s? (?:nouvelles|actualit|articles|chiffres|prix)
        actuellement|cherche sur|prix actuel|[úu]ltimas noticias|actualmente|busca en|precio actual
        ultime notizie|cerca (?:su|online)|prezzo attuale|[úu]ltimas not[íi]cias|pesquis|laatste nieuws|zoek op
        recent(?:e|elijk)? gepubliceerd|najnowsz|wyszukaj|последние новости|найди в интернете|актуальн
        сейчас (?:курс|цена)|курс (?:доллара|евро)|最新|新闻|搜索|查找.{0,16}(?:资料|论文|价格)
        市场(?:调研|分析)|目前.{0,8}(?:价格|股价)|調べて|ニュース|現在の|今の(?:価格|総理)
        """,
    ),
    shape(
        "reflection",
        5.5,
        "something to remember",
        r"""
        merke? dir|denk daran,? dass|notier|was habe ich (?:dir )?(?:gesagt|erz[äa]hlt)|r[üu]ckblick
        was haben wir .{0,20}gelernt|souviens-toi|rappelle-toi|retiens|note que|qu'est-ce que je t'ai dit
        qu'avons-nous appris|recuerda que|ten en cuenta|qu[ée] te dije|qu[ée] aprendimos|ricorda(?:ti)? che
        cosa ti ho detto|cosa abbiamo imparato|lembre|anote|o que (?:eu (?:te )?(?:disse|falei)|aprendemos)
        onthoud|zapami[ęe]taj|czego nauczyli|запомни|что я говорил|чему мы научились|记住|记一下
        我(?:之前|上次)(?:说|提)|反思|我们学到|覚えて|前に言った|振り返
        """,
    ),
    shape(
        "private",
        6.0,
        "what is to stay here",
        r"""
        vertraulich|nicht weitergeben|lokal bleiben|nur lokal|geburtsdatum|steuernummer|personalausweis|gehalt
        patient(?:in)?\b|confidentiel|ne (?:doit )?pas (?:sortir|quitter|partager)
        num[ée]ro de s[ée]curit[ée] sociale|date de naissance|confidencial|no (?:compartir|salir)|mi dni
        n[úu]mero de cuenta|riservat|codice fiscale|sigilos|meu cpf|vertrouwelijk|poufne|pesel|конфиденциальн
        паспорт|保密|机密|身份证|不要(?:上传|外传)|银行卡|病历|本地处理|機密|個人情報|社外秘|マイナンバー
        """,
    ),
    shape(
        "tool_calling",
        4.5,
        "asks for something to be done",
        r"""
        ^(?:stelle?|schalte?|mach|dreh|[öo]ffne|spiel|buche?|reservier|schick|ruf|erinner)\b
        ^(?:allume|[ée]teins|r[èe]gle|ouvre|ferme|joue|r[ée]serve|envoie|appelle|mets)\b
        ^(?:enciende|apaga|pon|abre|cierra|reserva|env[íi]a|llama|recu[ée]rdame)\b
        ^(?:accendi|spegni|imposta|apri|chiudi|prenota|invia|chiama)\b
        ^(?:ligue|desligue|toque|abra|feche|envie|marque)\b|^(?:zet|doe|stuur|speel)\b|включи|выключи|забронируй
        поставь будильник|отправь|帮我(?:订|预订|打开|关闭|发送|设置|查询|播放|叫)|播放|打开|关闭
        设置.{0,10}(?:闹钟|提醒)|预订|查询.{0,20}(?:天气|航班|快递|余额)|予約して|つけて|消して|設定して|送って
        """,
    ),
    shape(
        "reasoning",
        4.0,
        "asks to work it out",
        r"""
        wie ?viele?\b|berechne|beweis|was w[äa]re,? wenn|vor- und nachteile|soll(?:te)? ich|lohnt sich|warum\b
        wieso\b|combien|calcule|d[ée]montre|pourquoi|avantages et|vaut-il mieux|cu[áa]nt[oa]s?|calcula|demuestra
        por qu[ée]|ventajas|conviene|quant[ie]\b|calcola|dimostra|perch[ée]|quantos|prove que|por que|vale mais
        hoeveel|bereken|waarom|wat is beter|\bile\b|oblicz|dlaczego|op[łl]aca|сколько|вычисли|докажи|\bреши
        почему|найди (?:значение|корень|площадь)|что (?:лучше|выгоднее)|多少|计算|证明|求解|求出|概率|为什么
        推理|体积|面积|方程|划算|比较.{0,20}优缺点|いくつ|計算|証明|確率|なぜ|求めよ|何個|何人
        """,
    ),
    shape(
        "quick",
        1.5,
        "a plain question",
        r"""
        ^(?:wer|was|wann|wo|wie hei[ßs]t|qui|quand|o[ùu]|quel(?:le)?|qui[ée]n|cu[áa]ndo|d[óo]nde|cu[áa]l|qu[\
        ée] es|chi|quando|dove|qual|cos'[èe]|quem|onde|o que [ée]|wanneer|waar|wat is|kto|kiedy|gdzie|co to|\
        кто|когда|где|что такое|какой|какая)\b|是什么|是谁|什么时候|在哪|介绍(?:一下)?|描述|列举|とは|誰|いつ
        どこ|何ですか
        """,
    ),
)
