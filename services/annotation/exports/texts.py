"""What is said of a file of annotations that cannot be taken as it is, in Swedish and English."""

from services.kit.texts import Texts

TEXTS: Texts = {
    "file-too-large": {
        "sv": "Filen är {bytes} byte; högst {limit} går. Dela upp den.",
        "en": "The file has {bytes} bytes; at most {limit} are taken. Split it.",
    },
    "file-too-many-values": {
        "sv": "Filen har fler än {limit} värden. Dela upp den.",
        "en": "The file has more than {limit} values. Split it.",
    },
    "file-not-utf8": {
        "sv": "Filen är inte UTF-8 (rad {line}). Spara den som UTF-8.",
        "en": "The file is not UTF-8 (line {line}). Save it as UTF-8.",
    },
    "not-json": {
        "sv": "Det är inte JSON (RFC 8259), från tecken {column} på raden.",
        "en": "This is not JSON (RFC 8259), from character {column} of the line.",
    },
    "too-deep": {
        "sv": "Fler än {limit} nivåer av listor och objekt.",
        "en": "More than {limit} levels of lists and objects.",
    },
    "member-twice": {
        "sv": "Ett namn står två gånger i objektet, och läsare är oense om vilket som gäller.",
        "en": "A name stands twice in the object, and readers disagree on which counts.",
    },
    "number-not-finite": {
        "sv": "Talet är NaN, oändligt eller orimligt stort; skriv ett vanligt tal.",
        "en": "The number is NaN, infinite or absurdly large; write an ordinary number.",
    },
    "item-twice": {
        "sv": "Objektet {path} står två gånger; samla allt om det på ett ställe.",
        "en": "The item {path} is there twice; put all that is said of it in one place.",
    },
    "item-unknown": {
        "sv": "Kampanjen har inget objekt {path}. Skriv hela sökvägen som den står i versionen.",
        "en": "The campaign has no item {path}. Write the whole path as it stands in the version.",
    },
    "size-differs": {
        "sv": "{name} är {here} i filen men {there} i kampanjen: bilden har skalats, vridits eller bytts ut.",
        "en": "{name} is {here} in the file but {there} in the campaign: the item was scaled, turned or replaced.",
    },
    "file-too-many-items": {
        "sv": "Fler än {limit} objekt. Dela upp filen.",
        "en": "More than {limit} items. Split the file.",
    },
    "file-too-many-annotations": {
        "sv": "Fler än {limit} annoteringar. Dela upp filen.",
        "en": "More than {limit} annotations. Split the file.",
    },
    "file-too-many-marks": {
        "sv": "Fler än {limit} markeringar. Dela upp filen.",
        "en": "More than {limit} marks. Split the file.",
    },
    "accepted-twice": {
        "sv": "Objektet har redan ett godkänt svar i filen; behåll ett.",
        "en": "The item has an accepted answer in this file already; keep one.",
    },
    "submission-twice": {
        "sv": "{annotator} har redan lämnat in ett svar om objektet i filen; behåll ett.",
        "en": "{annotator} has handed in an answer on this item in this file already; keep one.",
    },
    "number-twice": {
        "sv": "Numret {number} har redan en annan annotering; varje nummer används en gång.",
        "en": "The number {number} is another annotation's already; each is used once.",
    },
    "id-twice": {
        "sv": "id {id} finns redan i listan; varje id används en gång.",
        "en": "The id {id} is in this list already; each is used once.",
    },
    "image-unknown": {
        "sv": "Ingen bild i images har id {id}.",
        "en": "No image in images has the id {id}.",
    },
    "category-unknown": {
        "sv": "Ingen kategori i categories har id {id}.",
        "en": "No category in categories has the id {id}.",
    },
    "item-annotation-unknown": {
        "sv": "item_annotations har ingen post {id} för den bilden.",
        "en": "item_annotations has no entry {id} for that image.",
    },
    "rle-not-supported": {
        "sv": "Masker i RLE stöds inte. Skriv segmentation som en polygon, [[x1, y1, x2, y2, …]], med iscrowd 0.",
        "en": "Masks in RLE are not supported. Write segmentation as a polygon, [[x1, y1, x2, y2, …]], with iscrowd 0.",
    },
    "several-rings": {
        "sv": "Markeringen har {count} ringar. Skriv en markering per ring; hål och delade ytor stöds inte.",
        "en": "The mark has {count} rings. Write one mark for each ring; holes and split areas are not supported.",
    },
    "segmentation-missing": {
        "sv": "segmentation saknas. Skriv en polygon, [[x1, y1, x2, y2, …]].",
        "en": "segmentation is missing. Write a polygon, [[x1, y1, x2, y2, …]].",
    },
    "ring-odd": {
        "sv": "Ringen har {count} tal; de ska vara jämnt många, x och y om vartannat.",
        "en": "The ring has {count} numbers; there must be an even count, x and y in turn.",
    },
    "other-kind": {
        "sv": "{name} hör till ett annat slag av etiketter; kampanjen ({kind}) väntar {expected}.",
        "en": "{name} is of another kind of label; the campaign ({kind}) expects {expected}.",
    },
    "csv-empty": {
        "sv": "Filen är tom. Första raden ska ha kolumnernas namn: {columns}.",
        "en": "The file is empty. Its first row must name the columns: {columns}.",
    },
    "csv-quote": {
        "sv": "Ett citattecken på rad {line} är inte avslutat eller står mitt i en cell. Fördubbla citattecken i "
        "celler och sätt hela cellen inom citattecken (RFC 4180).",
        "en": "A quotation mark on line {line} is not closed, or stands within a cell. Double quotation marks in cells "
        "and put the whole cell in quotation marks (RFC 4180).",
    },
    "csv-width": {
        "sv": "Raden har {count} celler; första raden har {expected}.",
        "en": "The row has {count} cells; the first row has {expected}.",
    },
    "csv-column-unknown": {
        "sv": "Kolumnen {name} känns inte igen. Tillåtna: {allowed}.",
        "en": "The column {name} is not known. Allowed: {allowed}.",
    },
    "csv-column-twice": {"sv": "Kolumnen {name} står två gånger.", "en": "The column {name} is there twice."},
    "csv-column-missing": {
        "sv": "Kolumnen {name} saknas i första raden. Celler skiljs av ett av: {separators} eller tabb.",
        "en": "The column {name} is missing in the first row. Cells are parted by one of: {separators} or tab.",
    },
    "csv-cell-empty": {"sv": "{name} är tom; skriv ett tal.", "en": "{name} is empty; write a number."},
    "csv-number": {
        "sv": "”{text}” är inget tal här. Skriv till exempel 12 eller 12.5, med punkt.",
        "en": "“{text}” is no number here. Write for example 12 or 12.5, with a point.",
    },
    "csv-item-differs": {
        "sv": "Mediatyp eller storlek för {path} skiljer sig från en tidigare rad.",
        "en": "The media type or the size of {path} differs from an earlier row's.",
    },
    "csv-comment-differs": {
        "sv": "Annoteringen har redan en annan kommentar; skriv den på en av raderna.",
        "en": "The annotation has another comment already; write it on one of its rows.",
    },
    "csv-wkt": {
        "sv": "”{text}” är ingen polygon i WKT. Skriv POLYGON ((x1 y1, x2 y2, x3 y3, x1 y1)).",
        "en": "“{text}” is no polygon in WKT. Write POLYGON ((x1 y1, x2 y2, x3 y3, x1 y1)).",
    },
    "csv-ring-open": {
        "sv": "Polygonens sista punkt ska vara densamma som den första (WKT).",
        "en": "The polygon's last point must be the same as its first (WKT).",
    },
}
