"""What runs say when they are refused, have failed or kept a file back, in Swedish and English."""

from services.kit.texts import Texts

TEXTS: Texts = {
    "recipe-unknown": {"sv": "Det finns inget sådant recept.", "en": "There is no such recipe."},
    "run-active": {
        "sv": "Versionen behandlas redan av körning {run_id}; vänta på den eller stoppa den.",
        "en": "The version is being treated by run {run_id} already; wait for it or stop it.",
    },
    "run-over": {"sv": "Körningen är redan över (den är {state}).", "en": "The run is over already (it is {state})."},
    "run-committing": {
        "sv": "Körningen är klar och versionen skapas just nu; det är för sent att stoppa den.",
        "en": "The run is done and its version is being made right now; it is too late to stop it.",
    },
    "dataset-withdrawn": {
        "sv": "Datamängden är återkallad; nycklarna är förstörda.",
        "en": "The dataset is withdrawn; its keys are destroyed.",
    },
}
