"""How often common words end a sentence, from a trigram model of general English.

The sentence-end probabilities are those of the language model in the pocketsphinx package (BSD, CMU), put into five
classes of their base-10 logarithm; words not listed are of the middle one. Data only.
"""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


NEVER = _words(
    """
    a able according actual adding affect after against ain't allow allows almost alter although always among an
    and annual any are aren't arrange as assigned at barely based be became because becoming been being big
    biggest bought bring bringing brings brought by came can can't cannot carried certainly civil comes
    company's compared confuse could couldn't couple current cutting de dealing decided depend depending despite
    didn't doesn't don't due during each economic emailed embedded ensure entire erase especially even every
    everybody's everyone's except extend extra extremely fairly federal felt few figured fill fills financial
    find finding for forced foreign fucking gave get gets getting give gives giving glad going gonna got gotta
    gotten grew guided had hadn't hang hardly has hasn't have haven't having he he'd he'll he's here's highly
    his holding holy hoping how how's i i'd i'll i'm i've if immediate in including incredibly into is it'd
    it'll it's just keep keeping keeps kept kind kinda kinds lack last leading led let let's lets letting local
    look looked looking looks los lots loves main make makes making managed many may medical might modify most
    multiple must my name's national near nearly need never new nobody nor northern notify nuclear of one's only
    onto opposed or other's our owns particularly partly paying people's per person's picked placed plenty
    political prepares pretty prevent previous probably protect proves pull pulled pulling put puts putting
    quite ran rather reduce refuses relatively relies relying remind remove rid san sat save seeing seem seemed
    seems send sending sends several she she's should shouldn't showed sit sitting skim social solves some
    something's sort southern spend starting still such sums super supposed switched take takes taking talked
    tell telling tells tend than thank that's the their there's these they they'd they'll they're they've those
    throughout throw till to today's told took toward towards tried trying turned turning turns twenty under
    united unless until used using usually various very via viewed wake walked wanna wanting warn was wasn't we
    we'd we'll we're we've went were weren't what what's when whenever where where's whether which who who's
    whoever whose will willing wiped with within without won't world's would wouldn't you'd you'll you're you've
    your
    """
)
"""under -1.5."""

SELDOM = _words(
    """
    about accept access across actually add addition admit advanced advise afford afraid all allowed also am
    amazon's american amount amounts amp another anti appear appears apply appreciate argue ask asked asking
    asks assign associate assume assuming attach attaching attempt auto automate automated avoid aware basic
    basically beat become becomes believe believed belongs besides best between beyond billed billion black blow
    booked both bounced breaking british broadly broke build built bunch but buy buying called calling
    cancelling cancels carbon carries carry catch cause caused cell central certain checking clearly client's
    collect collecting come coming compare compares completely completes configure confirms connect connects
    consider considered considering contains copied copying corporate create created creates creating cross
    currently customer's customize cut decent decide decides definitely delete deleting democratic denies
    depends describe designed develop developed developing did differs digital direct do does dot double
    download downloaded drag draw driven drop dropped drug eighty electronic embed enable ended enjoyed enter
    entered estimated european ever exact existing expect expiration explain express extended fact falling feed
    feel feels fell fifth fifty figure filled filtered final finally finishing first fixing focus focused
    followed following forget forgot former forty forwarded found fourth from front full fully generally
    generate given global goes grand greater greatest growing grown half handle handles hate hear heard hears
    held helped helping high highest hit hold holds hope hopefully hosted huge human hundred hundreds import
    imported include includes increased insert install installs integrate internal international invent invite
    isn't its join joins jump kick kill killing knew knowing known labelled landed lapsed large larger largest
    latest lead learn learned least less like liked likely likes literally little lived living locked log
    logging long longest losing lot love loved lower made mailing major majority manage mapping marked massive
    maybe meant meanwhile meet mental mention met middle million millions miss missed modern monthly more mostly
    moved named natural nearest necessarily needs newer next ninety no non normally north not notary obviously
    offered oh on once opened opening opens original originally other over paid pair part particular pay pays
    perhaps personal physical pick plain planning played playing plus poke polling populate possibly pre prefer
    prescribe primary prime private proper prove provide provided push quickest quoting raise raised reach
    reached real realize realized really receive received receiving recent recommend recurring red regular
    religious remain remember renew renewing replace replacing require researchers resent rest restrict reusable
    reuse revise roughly running runs same saves saving saw see seen sees sell selling senior separate serve set
    seventy sexual shared short showing shown shut signed significant signing similar simply since single sixty
    slightly small smallest so sold somebody someone somewhat sound sounds speaking speaks specifically spelled
    spending spent split spoke spread stand standing started starts stay stayed staying stays step stick
    stopping stored strictest strongest stuck suddenly suggest supported switching taken talk talking taught
    teach terminate texted that then therefore think thinks third thirty this thought thousand thousands
    throttled through tiny top total totally tracking traditional trained treat treated triggering truly try
    turn two type unfamiliar unlimited upon use uses verify verifying waiting waits walk walking want wanted
    wants watched watching wear wearing western whatsapp white whole why wish wonder wondering worked working
    worth write yearly you
    """
)
"""-1.5 to -1.12."""

OFTEN = _words(
    """
    abuse account accounts action actions activities activity added address administration administrator adults
    advice affidavit age agency agent agreed agreement ahead aid airport al album alcohol alert alerts allowance
    alternative analytics angry animals anniversary answer answers anywhere apart apartment app application
    appointment appropriate approval approvals april areas argument arm arms army arrive arrived arrives art
    article assignment assistant attack attacks attention attitude attorney audience august automation available
    away awful baby background backup bag balance ball balls band banks bar base basketball beach bear beautiful
    bed beer benefits bike bill billing bills birthday blank blog board boat body bomb book booking books boss
    boston bowl box boy boyfriend boys brackets brain bricks bridge britain brother brothers brown browser bucks
    budget bug bugs builder building buildings bus bush business businesses busy button buttons calculation
    calendar camera camp campaign cancelled cancer candidate cap caps car card cards career cars case cash cat
    catalog cats ceiling center centre certificate certificates certification certifications challenge changed
    channel channels character characters chat cheap cheaper chicken child children china choices christmas
    church cities citizens city class classes clause clients clinic clock closed clothes club coach coast code
    codes coding coffee cold collaboration collaborator collaborators college color columns com comedy comment
    comments community company completion complex compliance compliant complicated computer computers concern
    condition conditions conference confidence confidential confidentiality confirmed conflict congress
    connection connector consent contacts container content context contract contracts control conversation
    cooking corner count countries country county court crash creation creator credits crime crisis crowd
    culture curious currency customers cycle damage dance danger dangerous dashboard date dates daughter david
    day days dead deal death debate debt december decision decisions declined default defense degree degrees
    deletion deliveries delivery democracy dentist department departments dependencies design desk detail
    details development device dick die died differ difference differences dinner director directory disagree
    discount discounts discussion distance divorce documentation documents dog dogs dollars domains done door dr
    dream drink driver drugs drunk dumb duplicates dying dynamics earlier earth easily economy edge edition
    editions editor education effect effective effects effort either election eleven eleventh else email emails
    employees empty enemy england english enterprise entities episode equipment erased error es europe euros
    event events evil exactly example excel excellent exciting exercise expensive experience expire expires eyes
    face facebook factor fail failure faith families family fan fans farm fast faster feature features fee
    feelings fees feet field fields figures files film filter fire fires firm fish fixed flight floor flow flu
    fonts food football footer forgotten format formats forth fourteen fourteenth frame france frankfurt freedom
    friday friend friends funding funds funny game games gap garden generation germany girl girlfriend goal
    goals god gold gone gosh grade ground groups growth guests guides guilty gun guns gym hair hand hands
    handwriting happened happens head heads healthcare healthy heat herself hi him himself history hole holiday
    home homes honest horrible hospital hotel hour hours house houses hub humans hurt id idea ideas identity ill
    illegal image immediately implementation impossible included income indeed india individuals industry
    information initials installations instance insurance intelligence intent interesting interests internet
    interview investment invoice invoices involved iphone iran iraq island israel issue issues item items james
    january japan jesus job jobs john jokes july june junk justice kid kids king korea label land language late
    later laugh law laws lawyer leader leaders league legacy legs letters level levels library licence license
    licenses lie life limit limitations limits line lines list lists lives location logo logos london loss lunch
    machine mad mail man management manager mandatory manually map march mark market markets marriage married
    mastercard match matches material matters me meat memory mess message messages method methods mind mine
    minister minute minutes mission mix mm mode model module moment money month months movement movie movies mr
    mrs murder museum music myself name names nation nations nature necessary neighborhood net network news
    newspaper nice night note notes notification notifications november now numbers object obvious october
    office officer okay ones online ons op operator opinion opportunities opposite organisation organization
    others ourselves outright owner ownership package packages page pages pain panel paper papers paperwork
    paragraph park parties partner party passport password passwords path patient patients paul payment payments
    paypal peace penetration perfect performance period permission permissions person pet phone picture pipe
    place places plan plane plant platform player please pm points policy politics pool population position
    possibility posts pounds powerpoint powers practice practices pregnant president price pricing prison
    privacy problem problems process product production products profile profit profits program programs
    progress project projects promise proof property proposals protection protocol provider purpose quantities
    quantity que question questionnaire questions quiet quit quotes race radio rain range rates reaction reality
    reasons receipts recipients records reference refund refunded refunds regions register regulation
    relationship relationships reliable religion removed renewal rep reps requirements reschedule residency
    resources response responses responsibility restaurant restaurants restrictions results return returns
    revenue review ride right rights ring river road roles room route rule rules russia sad safe safely safety
    said sale salesperson sandbox saturday scale scene schedule school schools science score screen season seat
    seats seconds section sector sender sense series serious seriously server servers service services session
    sessions settings setup shame shape sheet sheets shift ship shoes shop shopping shot shots sick side sides
    signatures silently silly site sites situation situations sixteen skill skills skin sleep smoke smoking snow
    society software solution somewhere son song songs soon sorry source space spam specialist species speech
    spot spreadsheet spring st stage stages stamps standards stars starter states station statistics status
    stops storage store stores stories story strategy street streets strength stress strike stripe studies study
    stuff stupid style subject subscription succeeds success successful suit summary summer sun sunday surgery
    surprise survey survive sweet system systems tables tablet tags talent tampering tank target taste taxes
    teacher team technology television template terrible terrorists testing tests theater them themes theory
    thing thirteen thoughts thread threat tick ticket tickets tiers time times title too tool tools topic tour
    town trail training transfers treatment tree trial trigger trip trouble truck twice um union unit university
    updates upset us usage useful usual valid value values variable variables vehicle vendor verification
    verified victims videos view views village violence visa visible visitors voice void volumes voters wage
    wall war warning wars washington water ways weapon weapons weather wedding weeks weight weird welcome wild
    win window windows wine winter wise witnesses wonderful word words work works world wrong yea yeah year
    years yes york
    """
)
"""-0.82 to -0.6."""

MOSTLY = _words(
    """
    accident afghanistan africa afternoon afterwards again ago alive alone alright amazing america angeles
    anymore anyway area ass australia awesome basis beforehand behavior bitch boring bullshit california canada
    century chicago choice competition contest cool correct counts crap crazy cute deadline decade decades
    depression developer direction disease domain dude duties edit eh electronically elsewhere environment
    essentials etc evening everywhere exist expired fantastic fault fine florida forever fun future gallery
    goodness ha happen happening hello here hm hobby holidays huh humor identifier inbox incredible itself jail
    jersey joke kidding lately lol luck marketplace meal menu mexico mistake monday morning mouth neat nope ok
    option optional options pennsylvania pers perspective pets philadelphia planet possible properly proposal
    quickly recession region ridiculous row scary separately shit sir sport statement sucks table terrorism
    texas thanks theirs themselves though today together tomorrow tonight true truth tuesday tv typo universe
    website week weekend worse wow ya yep yesterday yet yours yourself zone
    """
)
"""over -0.6."""
