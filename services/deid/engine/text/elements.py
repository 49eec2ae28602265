"""Elements of HTML and SVG (WHATWG HTML; SVG 2): what a scanner needs to know of each."""

BLOCKS = frozenset(
    "address article aside blockquote body br caption center col colgroup dd details dialog dir div dl dt fieldset "
    "figcaption figure footer form frame frameset h1 h2 h3 h4 h5 h6 head header hgroup hr html li link main "
    "menu meta nav "
    "noframes ol optgroup option p pre section select summary table tbody td template textarea tfoot th thead "
    "title tr ul "
    "video audio canvas iframe object".split()
)
"""Elements at which a line of text ends."""
INLINE = frozenset(
    "a abbr acronym applet area b base basefont bdi bdo big blink button cite code data datalist del dfn em "
    "embed font i img "
    "input ins kbd keygen label legend map mark marquee math menuitem meter nobr noembed noscript output param picture "
    "plaintext progress q rb rp rt rtc ruby s samp script slot small source spacer span strike strong style "
    "sub sup svg time "
    "track tt u var wbr xmp".split()
)
DRAWING = frozenset(
    "svg animate animatemotion animatetransform circle clippath defs desc ellipse feblend fecolormatrix fecomposite "
    "fegaussianblur femerge femergenode feoffset filter foreignobject g image line lineargradient marker mask "
    "metadata mpath "
    "path pattern polygon polyline radialgradient rect set stop switch symbol text textpath tspan use view".split()
)
KNOWN = BLOCKS | INLINE | DRAWING
"""What is not known and has no hyphen is no tag but text in angle brackets, such as `<Anna>`."""
RAW = {
    "script": False,
    "style": False,
    "xmp": False,
    "noembed": False,
    "noframes": False,
    "iframe": False,
    "plaintext": False,
    "textarea": True,
    "title": True,
}
"""Elements whose content is no markup, and whether it may hold references."""
