"""What is said of a schema, of marks and of files whose form is wrong, in Swedish and English."""

from services.kit.texts import Texts

TEXTS: Texts = {
    "object-expected": {"sv": "Här ska det stå ett objekt.", "en": "An object is expected here."},
    "list-expected": {"sv": "Här ska det stå en lista.", "en": "A list is expected here."},
    "text-expected": {"sv": "Här ska det stå en text.", "en": "A text is expected here."},
    "number-expected": {"sv": "Här ska det stå ett tal.", "en": "A number is expected here."},
    "flag-expected": {"sv": "Här ska det stå true eller false.", "en": "true or false is expected here."},
    "word-expected": {"sv": "Här ska det stå en av: {allowed}.", "en": "One of these is expected here: {allowed}."},
    "member-missing": {"sv": "{name} saknas.", "en": "{name} is missing."},
    "member-unknown": {
        "sv": "{name} känns inte igen. Tillåtna: {allowed}.",
        "en": "{name} is not known here. Allowed: {allowed}.",
    },
    "list-length": {
        "sv": "Listan har {count} delar; den ska ha {least}–{most}.",
        "en": "The list has {count} elements; it must have {least}–{most}.",
    },
    "text-length": {
        "sv": "Texten har {count} tecken; den ska ha {least}–{most}.",
        "en": "The text has {count} characters; it must have {least}–{most}.",
    },
    "text-not-storable": {
        "sv": "Texten innehåller NUL eller ett halvt surrogatpar och går inte att lagra.",
        "en": "The text holds a NUL or half a surrogate pair, which cannot be stored.",
    },
    "number-out-of-range": {
        "sv": "Talet ska vara ändligt och högst {most} i storlek.",
        "en": "The number must be finite, and at most {most} in size.",
    },
    "whole-number-expected": {
        "sv": "Här ska det stå ett heltal som är minst {least}.",
        "en": "A whole number of at least {least} is expected here.",
    },
    "label-twice": {"sv": "Etiketten {label} står två gånger.", "en": "The label {label} is there twice."},
    "label-name-form": {
        "sv": "En etiketts namn ska vara på en rad, utan blanksteg i kanterna och utan osynliga tecken.",
        "en": "A label's name must be one line, without space around it and without invisible characters.",
    },
    "one-geometry": {
        "sv": "Ange precis en av box, polygon och span.",
        "en": "Give exactly one of box, polygon and span.",
    },
    "one-mark-only": {
        "sv": "Kampanjen tillåter en markering per objekt; här finns {count}.",
        "en": "The campaign allows one mark an item; there are {count}.",
    },
    "label-needed": {"sv": "Välj en etikett innan du lämnar in.", "en": "Choose a label before handing in."},
    "label-unknown": {
        "sv": "Etiketten {label} finns inte i kampanjen. Tillåtna: {allowed}.",
        "en": "The campaign has no label {label}. Allowed: {allowed}.",
    },
    "mark-twice": {
        "sv": "Samma markering finns redan; ta bort den ena.",
        "en": "The same mark is there already; remove one of them.",
    },
    "geometry-unexpected": {
        "sv": "En etikett av slaget {kind} gäller hela objektet; utelämna geometry.",
        "en": "A label of kind {kind} is of the whole item; leave geometry out.",
    },
    "geometry-expected": {
        "sv": "En markering av slaget {kind} ska ha en geometry med {geometry}, och inget annat.",
        "en": "A mark of kind {kind} must have a geometry with {geometry}, and nothing else.",
    },
    "box-empty": {
        "sv": "Rutan är {width} × {height}; båda ska vara större än noll ([x, y, bredd, höjd]).",
        "en": "The box is {width} × {height}; both must be above zero ([x, y, width, height]).",
    },
    "place-outside": {
        "sv": "Stället ligger utanför bilden, som är {width} × {height} bildpunkter efter att den vridits rätt.",
        "en": "The place is outside the image, which is {width} × {height} pixels once turned upright.",
    },
    "polygon-empty": {
        "sv": "Polygonens punkter ligger på en linje; den ska omsluta en yta.",
        "en": "The polygon's points lie on one line; it must enclose an area.",
    },
    "polygon-crosses": {
        "sv": "Polygonens kant korsar eller rör vid sig själv; rita den utan korsningar, eller dela upp den i flera.",
        "en": "The polygon's outline crosses or touches itself; draw it without crossings, or split it into several.",
    },
    "span-empty": {
        "sv": "Textstället {start}–{end} är tomt; slutet räknas inte med och ska vara större än början.",
        "en": "The span {start}–{end} is empty; its end is left out and must be above its start.",
    },
    "span-outside": {
        "sv": "Textstället slutar vid {end}, men texten har {length} tecken (Unicode-kodpunkter).",
        "en": "The span ends at {end}, but the text has {length} characters (Unicode code points).",
    },
}
