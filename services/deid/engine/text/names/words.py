"""Words that tell, by standing beside it, whether a capitalised word is somebody's name. In lower case."""

TITLES = frozenset(
    "herr fru fröken frk hr dr doktor doktorn prof professor professorn docent docenten lektor lektorn rektor rektorn "
    "magister magistern adjunkt kapten kaptenen major general generalen överste översten löjtnant sergeant "
    "biskop biskopen "
    "ärkebiskop präst prästen pastor pastorn påven kung kungen drottning drottningen prins prinsen prinsessan "
    "kronprinsessan "
    "hertig grevinnan greve baron friherre sir lady lord mr mrs ms miss mister madame monsieur señor signor "
    "ayatollah imam "
    "shejk sultan kejsare emir amiral general advokat advokaten åklagare åklagaren domare domaren nämndeman "
    "jurist juristen "
    "polis polismannen kommissarie kommissarien inspektör inspektören poliskommissarie socialsekreterare barnmorska "
    "sjuksköterska sjuksköterskan läkare läkaren överläkare överläkaren specialistläkare tandläkare psykolog "
    "psykologen "
    "kurator kuratorn syster mamma pappa mor far farmor farfar mormor morfar moster faster farbror morbror "
    "bror brodern "
    "systern dottern sonen maken makan hustrun frun mannen kvinnan pojken flickan barnet kusin kusinen "
    "svägerskan svågern "
    "sambo sambon vän vännen väninnan kollega kollegan kompis kompisen granne grannen patient patienten "
    "klient klienten "
    "brukaren elev eleven student studenten artist artisten sångare sångaren sångerska sångerskan "
    "skådespelare skådespelaren "
    "skådespelerskan regissör regissören författare författaren poeten konstnär konstnären kompositör "
    "kompositören musiker "
    "musikern gitarristen basisten trummisen rapparen dj programledare programledaren journalist journalisten reporter "
    "reportern redaktör redaktören krönikören kritikern debattören forskare forskaren ekonom ekonomen "
    "filosofen historikern "
    "statsminister statsministern finansminister finansministern utrikesminister utrikesministern minister ministern "
    "justitieminister socialminister näringsminister försvarsminister utbildningsminister president presidenten "
    "vicepresident premiärminister premiärministern förbundskansler partiledare partiledaren partisekreterare språkrör "
    "språkröret riksdagsledamot riksdagsledamoten kommunalråd kommunalrådet landstingsråd borgarråd borgmästare "
    "borgmästaren guvernör senator senatorn generalsekreterare ordförande ordföranden direktör direktören vd vd:n chef "
    "chefen talesman talesmannen talesperson talespersonen presschef pressekreterare sekreterare sekreteraren "
    "ombudsman "
    "analytiker analytikern tränare tränaren förbundskapten förbundskaptenen lagkapten lagkaptenen målvakt "
    "målvakten back "
    "backen mittback mittbacken anfallare anfallaren forward forwarden mittfältare mittfältaren spelaren "
    "världsmästaren "
    "världsmästarinnan olympiamästaren skidåkaren löparen simmaren boxaren cyklisten golfaren åkaren "
    "landsmannen svensken "
    "norskan norrmannen danskan dansken finländaren tysken fransmannen engelsmannen amerikanen britten ryssen "
    "spanjoren "
    "veteranen stjärnan legendaren talangen affärsmannen grundaren ägaren föraren handläggare handläggaren".split()
)
"""What people are called before their name."""

TITLE_ENDINGS = (
    "minister", "ministern", "chef", "chefen", "ordförande", "ordföranden", "tränare", "tränaren", "författare",
    "författaren", "direktör", "direktören", "läkare", "läkaren", "professor", "professorn", "advokat", "advokaten",
    "åklagare", "åklagaren", "sekreterare", "sekreteraren", "talesman", "talesmannen", "forskare", "forskaren",
    "mästare", "mästaren", "mästarinnan", "ledare", "ledaren", "spelare", "spelaren", "skådespelare", "sångaren",
    "ledamot", "ledamoten", "redaktör", "redaktören", "politiker", "politikern", "aktivist", "aktivisten", "ekonom",
    "ekonomen", "expert", "experten", "ägaren", "stjärnan", "åkaren", "kapten", "kaptenen", "ambassadör", "handläggare",
)  # fmt: skip
"""Ends of compounds of that sort: `landslagstränaren`."""

SPEECH = frozenset(
    "säger sade sa sagt menar menade tycker tyckte berättar berättade skriver skrev anser ansåg förklarar förklarade "
    "konstaterar konstaterade tror trodde hävdar hävdade svarar svarade undrar undrade uppger uppgav medger "
    "medgav påpekar "
    "påpekade tillägger tillade frågar frågade skrattar skrattade ler log suckar suckade kommenterar kommenterade "
    "understryker betonar betonade varnar varnade fortsätter fortsatte minns mindes hoppas hoppades vill "
    "ville ropar ropade "
    "sjunger sjöng twittrar bloggar resonerar utropar viskar viskade nickar nickade heter hette kallas föddes "
    "dog avled "
    "gifte avgick said says told".split()
)
"""Verbs of which only people are the subject, more or less: `säger Reinholdsson`, `Reinholdsson säger`."""

BEFORE = frozenset(
    "hej hejsan kära käre bästa tack hälsar hälsningar mvh vh heter hette kallad döpt namn foto text kontakt "
    "kontaktperson slog besegrade née alias fd".split()
)
"""Words (or labels with a colon) that a name follows."""

LABELS = frozenset(
    "namn name förnamn efternamn fullständigt mellannamn tilltalsnamn firstname lastname surname givenname fullname "
    "kontaktperson kontakt handläggare patient klient elev vårdnadshavare anhörig mottagare avsändare användare user "
    "foto text signatur undertecknad ansvarig läkare kund medarbetare anställd person".split()
)
"""Labels (`Namn: …`, a column's name, a JSON key) after which a whole value is somebody's name."""

SURNAME_ENDINGS = (
    "sson", "sdotter", "gren", "qvist", "kvist", "ström", "stedt", "dahl", "berg", "bergh", "hjelm", "hielm", "crona",
    "krantz", "strand", "stierna", "stjerna", "sköld", "adler", "felt", "felth", "gård", "vall", "wall", "löf", "lööf",
)  # fmt: skip
"""Ends of Swedish surnames that few other capitalised words have; places that end so are in the list of places."""

PLACES = frozenset(
    "afghanistan afrika albanien algeriet amerika amsterdam antarktis argentina armenien asien athen australien bagdad "
    "bangkok barcelona belgien berlin bern bolivia bosnien brasilien bryssel budapest bukarest bulgarien burma calgary "
    "chelsea chicago chile colombia costa cuba cypern damaskus danmark dublin dubai ecuador egypten england "
    "eritrea estland "
    "etiopien europa finland florens florida frankfurt frankrike gaza genève georgia georgien ghana grekland grönland "
    "haiti hamburg helsingfors holland houston indien indonesien irak iran irland island israel istanbul "
    "italien jakarta "
    "japan jemen jerusalem jordanien kairo kalifornien kanada kenya kina kongo korea kosovo kreml kroatien "
    "kuwait köpenhamn "
    "laos lettland libanon libyen lissabon litauen liverpool london lyon luxemburg madrid makedonien malaysia "
    "mali malta "
    "manchester marocko mexiko milano minsk moldavien monaco montenegro montreal moskva münchen nederländerna "
    "nepal new "
    "nigeria norden nordkorea norge oslo pakistan palestina panama paris peking peru polen porto portugal "
    "prag riga rom "
    "rumänien ryssland sarajevo schweiz senegal serbien singapore slovakien slovenien somalia spanien "
    "stockholm storbritannien "
    "sudan sverige sydafrika sydkorea sydney syrien taiwan tallinn tanzania teheran texas thailand tibet "
    "tjeckien tokyo "
    "toronto tunis tunisien turkiet tyskland uganda ukraina ungern uruguay usa vatikanen venedig venezuela "
    "vietnam virginia "
    "warszawa washington wien york zimbabwe zürich österrike "
    "alingsås arvika arboga avesta boden bollnäs borgholm borlänge borås boxholm bromölla dalarna eksjö "
    "enköping eskilstuna "
    "eslöv fagersta falkenberg falköping falun finspång flen gotland gällivare gävle göteborg hallsberg "
    "halmstad halland "
    "haparanda helsingborg hudiksvall hultsfred huskvarna härnösand hässleholm höganäs jämtland jönköping kalix kalmar "
    "karlshamn karlskoga karlskrona karlstad katrineholm kiruna kristianstad kristinehamn kumla kungsbacka "
    "kungälv köping "
    "landskrona lappland lerum lidingö lidköping lindesberg linköping ljungby ljusdal ludvika luleå lund lysekil malmö "
    "mariestad medelpad mjölby mora motala mölndal nacka nora norrbotten norrköping norrtälje nybro nyköping "
    "nynäshamn nässjö "
    "oskarshamn piteå ronneby sala sandviken sigtuna skara skellefteå skåne skövde småland solna sollefteå strängnäs "
    "strömstad sundsvall sundbyberg säffle säter sävsjö söderhamn söderköping södertälje sölvesborg tierp "
    "timrå tingsryd "
    "tomelilla torsby tranås trelleborg trollhättan trosa uddevalla ulricehamn umeå uppland uppsala vadstena varberg "
    "vetlanda vimmerby visby vänersborg värmland värnamo västervik västerås västerbotten växjö ystad åland åmål ånge "
    "ängelholm öland örebro örnsköldsvik östersund östergötland östhammar norrland svealand götaland roslagen "
    "södermalm "
    "åtvidaberg falkenberg varberg arlanda bahrain berlin amman marieberg heidelberg spetsbergen kungsholmen "
    "vasastan östermalm rinkeby tensta hammarby årsta bromma kista".split()
)
"""Countries, cities and regions, in Swedish: some of them are names too (Lund, Nora, Georgia)."""

MONTHS_AND_DAYS = frozenset(
    "januari februari mars april maj juni juli augusti september oktober november december måndag tisdag "
    "onsdag torsdag "
    "fredag lördag söndag jul påsk pingst midsommar advent lucia".split()
)
