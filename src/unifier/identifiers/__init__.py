"""Read identifiers: types, normal forms, placeholders, hashes, masks and names.

Everything exists twice: as a plain Python function for one value, and as a DuckDB expression (`…_sql`) or a function
over Arrow for a column. Property tests hold the two together.
"""

from unifier.identifiers.hashes import Derivation, derivations, md5, mix_mobile, sha256, sm3
from unifier.identifiers.keyed import keyed, keyed_sql, pads
from unifier.identifiers.masks import mask, mask_sql, masked_contradicts, masked_contradicts_sql
from unifier.identifiers.names import name_key, names_agree, surname
from unifier.identifiers.names_sql import name_key_sql, names_agree_sql
from unifier.identifiers.normal_forms import normalise, readings
from unifier.identifiers.normal_forms_sql import is_clean_sql, normalise_sql, readings_sql
from unifier.identifiers.phones import read_phone, why_invalid
from unifier.identifiers.phones_sql import phone_sql
from unifier.identifiers.pinyin import pinyin_agree
from unifier.identifiers.placeholders import is_placeholder, is_placeholder_sql, placeholder_hashes
from unifier.identifiers.reading import READING_SQL_TYPE, Reading, State
from unifier.identifiers.sm3_block import sm3_column
from unifier.identifiers.types import TYPES, registry

__all__ = [
    "READING_SQL_TYPE",
    "TYPES",
    "Derivation",
    "Reading",
    "State",
    "derivations",
    "is_clean_sql",
    "is_placeholder",
    "is_placeholder_sql",
    "keyed",
    "keyed_sql",
    "mask",
    "mask_sql",
    "masked_contradicts",
    "masked_contradicts_sql",
    "md5",
    "mix_mobile",
    "name_key",
    "name_key_sql",
    "names_agree",
    "names_agree_sql",
    "normalise",
    "normalise_sql",
    "pads",
    "phone_sql",
    "pinyin_agree",
    "placeholder_hashes",
    "read_phone",
    "readings",
    "readings_sql",
    "registry",
    "sha256",
    "sm3",
    "sm3_column",
    "surname",
    "why_invalid",
]
