"""Where people are and what they call their time: names -> IANA zones, data only.

Cities that are in a zone's name and countries with one time are not here: `zones` takes them from tzdata.
A state or country stands here if at least nine in ten of its people live in that zone.
"""

from __future__ import annotations

from holdfast_dialogue.domain.spoken.text import word_set

EASTERN, CENTRAL, MOUNTAIN, PACIFIC = "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles"
ARIZONA, ALASKA, HAWAII = "America/Phoenix", "America/Anchorage", "Pacific/Honolulu"

ZONE_WORDS = {
    EASTERN: "eastern|east coast|est|edt|e s t|e d t|e t|new york|n y c|nyc|big apple",
    CENTRAL: "c s t|c d t|cst|cdt|midwest",
    MOUNTAIN: "m s t|m d t|mst|mdt",
    PACIFIC: "pacific|west coast|pst|pdt|p s t|p d t|p t|bay area|silicon valley",
    ARIZONA: "arizona",
    ALASKA: "alaskan|alaska",
    HAWAII: "hawaiian|hawaii",
    "UTC": "u t c|utc|g m t|gmt|zulu time|universal time|greenwich",
    "Europe/London": "british|bst|b s t|u k time|uk time",
    "Europe/Paris": "central european|middle european|cet|c e t|cest|c e s t",
    "Europe/Athens": "eastern european",
    "Asia/Kolkata": "indian standard|india",
    "Asia/Tokyo": "japan",
    "Asia/Singapore": "singapore",
    "Asia/Hong_Kong": "hong kong",
    "America/St_Johns": "newfoundland",
    "Australia/Sydney": "australian eastern",
}
"""Mean a zone wherever they stand in a sentence."""

SHY_WORDS = {
    EASTERN: "et|east|the east",
    CENTRAL: "central|ct",
    MOUNTAIN: "mountain|mt|the rockies",
    PACIFIC: "pt",
    "America/Halifax": "atlantic",
    "Asia/Kolkata": "ist",
    "Europe/London": "london",
}
"""Everyday words: only with "time" after them, right after a clock time, or alone."""

STATES = {
    EASTERN: "connecticut|delaware|florida|georgia|maine|maryland|massachusetts|michigan|new england|new hampshire|"
    "new jersey|new york state|upstate new york|long island|north carolina|ohio|pennsylvania|rhode island|"
    "south carolina|vermont|virginia|west virginia",
    CENTRAL: "alabama|arkansas|illinois|iowa|kansas|louisiana|minnesota|mississippi|missouri|nebraska|oklahoma|"
    "texas|wisconsin",
    MOUNTAIN: "colorado|montana|new mexico|utah|wyoming",
    PACIFIC: "california|nevada|oregon|washington|washington state|southern california|northern california|so cal",
    ARIZONA: "arizona",
    ALASKA: "alaska",
    HAWAII: "hawaii",
    "America/Toronto": "ontario|quebec",
    "America/Vancouver": "british columbia|b c",
    "America/Edmonton": "alberta",
    "America/Winnipeg": "manitoba",
    "America/Regina": "saskatchewan",
    "America/Halifax": "nova scotia|new brunswick",
    "Australia/Sydney": "new south wales",
    "Australia/Melbourne": "victoria",
    "Australia/Brisbane": "queensland",
    "Australia/Perth": "western australia",
    "Australia/Adelaide": "south australia",
    "Australia/Hobart": "tasmania",
}

COUNTRIES = {
    "Europe/London": "england|scotland|wales|northern ireland|great britain|britain|u k|uk|united kingdom",
    "Europe/Dublin": "ireland",
    "Europe/Amsterdam": "holland|netherlands",
    "Europe/Prague": "czech republic|czechia",
    "Europe/Istanbul": "turkey",
    "Europe/Madrid": "spain|mainland spain",
    "Europe/Lisbon": "portugal",
    "Europe/Berlin": "germany|bavaria",
    "Asia/Seoul": "south korea|korea",
    "Asia/Dubai": "emirates|united arab emirates|u a e|uae",
    "Asia/Shanghai": "china",
    "Asia/Ho_Chi_Minh": "vietnam",
    "Asia/Taipei": "taiwan",
    "Africa/Johannesburg": "south africa",
    "Pacific/Auckland": "new zealand",
    "America/Argentina/Buenos_Aires": "argentina",
}
MANY_ZONES = frozenset(
    {
        "australia",
        "canada",
        "brazil",
        "mexico",
        "russia",
        "indonesia",
        "usa",
        "america",
        "kazakhstan",
        "chile",
        "ecuador",
    }
)

CITIES = {
    EASTERN: "akron|albany|ann arbor|atlanta|baltimore|boston|bronx|brooklyn|buffalo|charleston|charlotte|cincinnati|"
    "cleveland|columbus|d c|dayton|dc|durham|fort lauderdale|grand rapids|greensboro|hartford|jacksonville|"
    "knoxville|lexington|manhattan|miami|new haven|newark|orlando|philadelphia|philly|pittsburgh|portland maine|"
    "providence|queens|raleigh|richmond|rochester|saint petersburg|savannah|st petersburg|stamford|syracuse|tampa|"
    "toledo|virginia beach|washington d c|washington dc|west palm beach",
    CENTRAL: "austin|baton rouge|birmingham alabama|corpus christi|dallas|des moines|fort worth|green bay|houston|"
    "huntsville|kansas city|little rock|lubbock|madison|memphis|milwaukee|minneapolis|nashville|new orleans|"
    "oklahoma city|omaha|saint louis|saint paul|san antonio|st louis|st paul|tulsa|twin cities|wichita",
    MOUNTAIN: "albuquerque|aspen|billings|boulder|bozeman|cheyenne|colorado springs|el paso|fort collins|provo|"
    "salt lake|salt lake city|santa fe",
    PACIFIC: "anaheim|bakersfield|berkeley|eugene|fresno|irvine|l a|la|las vegas|long beach|mountain view|oakland|"
    "orange county|palo alto|pasadena|portland|reno|sacramento|san diego|san fran|san francisco|san jose|"
    "santa barbara|santa monica|seattle|spokane|tacoma|vegas",
    ARIZONA: "flagstaff|mesa|scottsdale|tempe|tucson",
    "America/Toronto": "hamilton|mississauga|montreal|ottawa|quebec city",
    "America/Edmonton": "calgary",
    "America/Mexico_City": "guadalajara",
    "America/Sao_Paulo": "brasilia|curitiba|porto alegre|rio|rio de janeiro",
    "America/Bogota": "cali|medellin",
    "Europe/London": "birmingham|brighton|bristol|cambridge|cardiff|edinburgh|glasgow|leeds|leicester|liverpool|"
    "manchester|newcastle|nottingham|oxford|sheffield|southampton",
    "Europe/Dublin": "cork|galway",
    "Europe/Berlin": "bremen|cologne|dresden|dusseldorf|frankfurt|hamburg|hannover|leipzig|munich|nuremberg|stuttgart",
    "Europe/Paris": "bordeaux|lille|lyon|marseille|strasbourg|toulouse",
    "Europe/Madrid": "barcelona|bilbao|malaga|seville|valencia",
    "Europe/Rome": "bologna|florence|milan|naples|turin|venice",
    "Europe/Zurich": "basel|bern|geneva|lausanne",
    "Europe/Amsterdam": "eindhoven|rotterdam|the hague|utrecht",
    "Europe/Brussels": "antwerp|bruges|ghent",
    "Europe/Vienna": "graz|innsbruck|linz|salzburg",
    "Europe/Warsaw": "gdansk|krakow|poznan|wroclaw",
    "Europe/Lisbon": "porto",
    "Europe/Stockholm": "gothenburg|malmo",
    "Europe/Kyiv": "kiev|lviv|odessa",
    "Asia/Kolkata": "ahmedabad|bangalore|bengaluru|bombay|chennai|delhi|hyderabad|mumbai|new delhi|pune",
    "Asia/Tokyo": "kyoto|nagoya|osaka|yokohama",
    "Asia/Shanghai": "beijing|chengdu|guangzhou|hangzhou|shenzhen",
    "Asia/Jerusalem": "haifa|tel aviv",
    "Asia/Dubai": "abu dhabi|sharjah",
    "Asia/Riyadh": "jeddah",
    "Asia/Karachi": "islamabad|lahore",
    "Asia/Ho_Chi_Minh": "hanoi|saigon",
    "Asia/Seoul": "busan",
    "Asia/Manila": "cebu|quezon city",
    "Australia/Sydney": "canberra|wollongong",
    "Australia/Brisbane": "cairns|gold coast",
    "Pacific/Auckland": "christchurch|wellington",
    "Africa/Johannesburg": "cape town|durban|pretoria",
    "Africa/Lagos": "abuja",
}

NOT_A_PLACE = word_set(
    """
    act adak atka casey center central christmas currie davis easter east eastern eucla factory general knox lhi mahe
    male marengo midway mountain nome norfolk north oral pacific palmer petersburg resolute reunion samoa singapore
    south stanley troll vostok wake west yap
    """
)
"""Zone names that are everyday words or first names."""
