"""What the laptop's identity provider shows: who one may sign in as. Jinja templates; Flask escapes what is put in."""

DUTIES: dict[str, str] = {
    "donor": "hands over data under terms",
    "steward": "checks donations, decides requests",
    "steward2": "releases what another steward accepted",
    "researcher": "finds data, asks, learns, downloads",
    "lead": "leads a project, signs agreements",
    "operator": "runs the factory, makes partners and stewards",
    "finance": "tariffs, budgets, invoices",
    "annotator1": "labels data",
    "annotator2": "labels the same data, independently",
    "outsider": "belongs to another partner",
}
"""What each persona does here."""

# The provider's own frame loads its style from a content network; a laptop may be offline, and nobody need know of it.
FRAME = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Data Factory – local sign-in</title>
<style>
:root { color-scheme: light; }
body { font: 1rem/1.5 system-ui, sans-serif; margin: 0; color: #16202c; background: #eef2f6; }
main { max-width: 44rem; margin: 3rem auto; padding: 2rem; background: #fff; border-radius: .75rem;
  box-shadow: 0 1px 3px rgb(22 32 44 / 20%); }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; } h2 { font-size: 1.05rem; margin: 2rem 0 .5rem; }
p { margin: .25rem 0 1rem; color: #3d4a59; }
.people { display: grid; grid-template-columns: repeat(auto-fill, minmax(18rem, 1fr)); gap: .6rem; }
button, input { font: inherit; border-radius: .4rem; }
.people button { text-align: left; padding: .65rem .9rem; border: 1px solid #b8c4d1; background: #fff;
  cursor: pointer; }
.people button:hover, .people button:focus-visible { border-color: #0b5cad; background: #f2f7fd; outline-offset: 2px; }
.people strong { display: block; } .people small { color: #3d4a59; }
.people code { float: right; color: #3d4a59; font-size: .85rem; }
.other { display: flex; gap: .6rem; align-items: end; } .other label { flex: 1; }
.other input { display: block; width: 100%; box-sizing: border-box; padding: .5rem .7rem; border: 1px solid #7b8794; }
.other button, .plain { padding: .55rem 1.1rem; border: 1px solid #0b5cad; background: #0b5cad; color: #fff;
  cursor: pointer; }
.plain { margin-top: 1.5rem; background: #fff; color: #0b5cad; }
.wrong { color: #a1161f; }
</style></head>
<body><main>{% block content %}{{ content }}{% endblock %}</main></body></html>
"""

SIGN_IN = """{% extends "_base.html" %}
{% block content %}
<h1>Sign in to the Data Factory</h1>
<p>This provider belongs to your own machine. It asks for no password: choose who you want to be.</p>
<form method="post" class="people">
{% for sub, (name, duty) in people.items() %}
  <button type="submit" name="sub" value="{{ sub }}"><code>{{ sub }}</code><strong>{{ name }}</strong>
  <small>{{ duty }}</small></button>
{% endfor %}
</form>
<h2>Somebody new</h2>
<form method="post" class="other">
  <label>Any name is someone of their own
    <input type="text" name="sub" required autocomplete="off" placeholder="for example anna"></label>
  <button type="submit">Sign in</button>
</form>
{% if sub_missing %}<p class="wrong" role="alert">Write a name first.</p>{% endif %}
<form method="post"><button type="submit" name="action" value="deny" class="plain">Cancel</button></form>
<p><small>Afterwards you return to {{ redirect_uri }}</small></p>
{% endblock %}
"""
