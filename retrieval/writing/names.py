"""Names that Italian and English write differently: "Mosca" and "Moscow" are one.

Countries' names are those of the Unicode CLDR, by babel; peoples, cities, institutions and offices
are the common ones of the news, put together for this project.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from index.text.words import plain

# A row is one thing. "*" stands for the ending of an Italian adjective. A country's row begins with
# its code, by which babel adds its names.
_COUNTRIES = """
KP | nordcorean* | north korean | north koreans | dprk | rpdc
KR | sudcorean* | south korean | south koreans
RU | russ* | russian | russians | federazione russa | russian federation | urss | ussr | sovietic* | soviet
US | statunitens* | american* | americans | usa | u.s. | america | stati uniti d'america
CN | cines* | chinese | repubblica popolare cinese
JP | giappones* | nipponic* | japanese
UA | ucrain* | ukrainian | ukrainians
BY | bieloruss* | belarusian | belarusians | bielorussia
GB | britannic* | ingles* | british | english | gran bretagna | great britain | inghilterra | england | uk | britons
FR | frances* | french
DE | tedesc* | german | germans
IT | italian* | italians
ES | spagnol* | spanish | spaniards
PT | portoghes* | portuguese
GR | grec* | greek | greeks
TR | turc* | turkish | turks | turkey | turchia
PL | polacc* | polish | poles
HU | ungheres* | hungarian | hungarians
AT | austriac* | austrian | austrians
CH | svizzer* | elvetic* | swiss
NL | olandes* | dutch | olanda | holland
BE | belg* | belgian | belgians
SE | svedes* | swedish | swedes
NO | norveges* | norwegian | norwegians
FI | finlandes* | finnish | finns
DK | danes* | danish | danes
IE | irlandes* | irish
RO | rumen* | romanian | romanians
BG | bulgar* | bulgarian | bulgarians
RS | serb* | serbian | serbs
HR | croat* | croatian | croats
AL | albanes* | albanian | albanians
MD | moldav* | moldovan | moldovans | moldavia
GE | georgian* | georgians
AM | armen* | armenian | armenians
AZ | azer* | azerbaigian* | azerbaijani | azerbaijanis
IL | israelian* | israeli | israelis
PS | palestines* | palestinian | palestinians | palestina | palestine
LB | libanes* | lebanese
SY | sirian* | syrian | syrians
IQ | irachen* | iraqi | iraqis
IR | iranian* | iranians
SA | saudit* | saudi | saudis
YE | yemenit* | yemeni | yemenis
EG | egizian* | egyptian | egyptians
LY | libic* | libyan | libyans
TN | tunisin* | tunisian | tunisians
DZ | algerin* | algerian | algerians
MA | marocchin* | moroccan | moroccans
ET | etiop* | ethiopian | ethiopians
ZA | sudafrican* | south african | south africans
NG | nigerian* | nigerians
IN | indian* | indians
PK | pakistan* | pakistani | pakistanis
AF | afghan* | afghans
MM | birman* | burmese | birmania | burma
VN | vietnamit* | vietnamese
TH | thailandes* | tailandes* | thai | thais
PH | filippin* | filipino | filipinos
ID | indonesian* | indonesians
AU | australian* | australians
CA | canades* | canadian | canadians
MX | messican* | mexican | mexicans
BR | brasilian* | brazilian | brazilians
AR | argentin* | argentinian | argentine | argentines
VE | venezuelan* | venezuelans
CU | cuban* | cubans
KZ | kazak* | kazakh | kazakhs
TW | taiwanes* | taiwanese
EU | unione europea | european union | ue | e.u.
UN | nazioni unite | united nations | onu | o.n.u. | u.n.
150 | europe* | european | europeans
"""
_OTHERS = """
mosca | moscow | moscovit*
pechino | beijing | peking
roma | rome | roman*
londra | london | londines*
parigi | paris | parigin*
berlino | berlin | berlines*
bruxelles | brussels
kiev | kyiv | kyiv | kiiv
seul | seoul
pyongyang | phenian
tokyo | tokio
varsavia | warsaw
atene | athens
lisbona | lisbon
vienna | wien
praga | prague
stoccolma | stockholm
copenaghen | copenhagen
dublino | dublin
ginevra | geneva
zurigo | zurich
monaco di baviera | munich
francoforte | frankfurt
strasburgo | strasbourg
marsiglia | marseille | marseilles
barcellona | barcelona
belgrado | belgrade
bucarest | bucharest
san pietroburgo | saint petersburg | st. petersburg | st petersburg
leopoli | lviv
odessa | odesa
charkiv | kharkiv | kharkov
crimea | crimean
gerusalemme | jerusalem
tel aviv | tel-aviv
gaza | striscia di gaza | gaza strip
cisgiordania | west bank
damasco | damascus
teheran | tehran
baghdad | bagdad
il cairo | cairo
istanbul | istambul
nuova delhi | new delhi
canton | guangzhou
milano | milan | milanes*
torino | turin | torines*
napoli | naples | napoletan*
venezia | venice | venezian*
firenze | florence | fiorentin*
genova | genoa | genoves*
padova | padua
mantova | mantua
siracusa | syracuse
sicilia | sicily | sicilian*
sardegna | sardinia | sard*
lombardia | lombardy
toscana | tuscany
piemonte | piedmont
puglia | apulia
california | californian*
new york | nuova york
filadelfia | philadelphia
asia | asiatic* | asian
africa | african*
medio oriente | middle east
estremo oriente | far east
mar nero | black sea
mar mediterraneo | mediterranean
oceano pacifico | pacific
oceano atlantico | atlantic
tamigi | thames
danubio | danube
reno | rhine
cremlino | kremlin
casa bianca | white house
pentagono | pentagon
vaticano | vatican | santa sede | holy see
nato | alleanza atlantica | atlantic alliance
consiglio di sicurezza | security council
commissione europea | european commission
parlamento europeo | european parliament
banca centrale europea | european central bank | bce | ecb
fondo monetario internazionale | international monetary fund | fmi | imf
dipartimento di stato | state department
croce rossa | red cross
forum economico orientale | eastern economic forum
corte suprema | supreme court
papa | pope | pontefice | pontiff
presidente | president | presidenza | presidency
primo ministro | prime minister | premier
ministro | ministra | ministri | minister | ministers
ministero | ministry
esteri | foreign | foreign affairs
difesa | defence | defense
interni | interno | interior | home office
segretario | segretaria | segretario generale | secretary | secretary general
generale | general
governo | government | esecutivo
parlamento | parliament
senato | senate | senatore | senator
congresso | congress
consiglio | council
cancelliere | chancellor
ambasciatore | ambassador
portavoce | spokesman | spokesperson | spokeswoman
leader | capo | chief | head
re | king
regina | queen
vescovo | bishop
esercito | army
marina | navy
aeronautica | air force
polizia | police
università | university
tribunale | corte | court
banca | bank
agenzia | agency
ministro degli esteri | foreign minister
ministro della difesa | defence minister | defense minister
nord | north | northern | settentrional*
sud | south | southern | meridional*
est | east | eastern | oriental*
ovest | west | western | occidental*
stato | state
repubblica | republic
regno | kingdom
guerra | war
pace | peace
signor | mr | signora | mrs | ms
dottor | dottoressa | dr
professor | professore | professoressa
"""
_ENDINGS = ("o", "a", "i", "e", "hi", "he", "")  # none: "Iranian"
_WORD = re.compile(r"[^\W_]+")
_LONGEST = 5  # words of a name


@dataclass(frozen=True)
class Word:
    """A word of a text: its place, its folded form, and how it is written."""

    start: int
    end: int
    folded: str
    written: str


@dataclass(frozen=True)
class Named:
    """A name in a list of words, from one place to another: what it stands for."""

    first: int
    last: int  # included
    thing: str

    @property
    def is_country(self) -> bool:
        """Whether it stands for a country or its people, which are names however written."""
        return self.thing.isupper() or self.thing.isdecimal()


def words_of(text: str) -> list[Word]:
    """The words of a text."""
    return [Word(*m.span(), plain(m[0]), m[0]) for m in _WORD.finditer(text)]


def known_names(words: Sequence[Word]) -> list[Named]:
    """The names of which other forms are known, the longest at each place."""
    forms = _forms()
    found: list[Named] = []
    at = 0
    while at < len(words):
        for count in range(min(_LONGEST, len(words) - at), 0, -1):
            thing = forms.get(tuple(word.folded for word in words[at : at + count]))
            if thing:
                found.append(Named(at, at + count - 1, thing))
                at += count - 1
                break
        at += 1
    return found


@cache
def _forms() -> dict[tuple[str, ...], str]:
    """What each form stands for, by its words; the tables come after babel's countries."""
    from babel import Locale

    found: dict[tuple[str, ...], str] = {}
    for language in ("it", "en"):
        for code, name in Locale(language).territories.items():
            if code.isdecimal() or code == "ZZ":
                continue  # "world", "unknown region"
            bare = re.sub(r"\s*\(.*\)|^RAS di | SAR China$", "", str(name))
            found[tuple(word.folded for word in words_of(bare))] = code
    for row in _COUNTRIES.strip().splitlines():
        code, *several = row.split("|")
        found |= {form: code.strip() for one in several for form in _endings(one)}
    for row in _OTHERS.strip().splitlines():
        several = row.split("|")
        found |= {form: several[0].strip() for one in several for form in _endings(one)}
    return found


def _endings(form: str) -> list[tuple[str, ...]]:
    """A form with every ending that its "*" stands for."""
    endings = _ENDINGS if "*" in form else ("",)
    return [
        tuple(word.folded for word in words_of(form.replace("*", ending))) for ending in endings
    ]
