"""Fix the rates of the sample world: how often each cause of trouble is planted, as shares.

Shares "of people" are exact quotas of a chunk; shares "of values" are drawn value by value. A chunk is what one
pass builds: its people share phones, addresses and agents only with each other, so chunks never have to meet.
"""

from __future__ import annotations

from typing import Final

CHUNK_PEOPLE: Final = 125_000
"""People built in one pass; bounds the memory."""

HORIZON_DAYS: Final = 1095
"""Orders lie in these days before `as_of`."""

SYSTEMS: Final = {1: 0.40, 2: 0.30, 3: 0.20, 4: 0.055, 5: 0.03, 6: 0.015}
"""Share of people by the number of sources that hold a profile of them; four and more are 10 % together."""

PRESENCE: Final = {"crm": 5.0, "wechat_mp": 3.4, "tmall": 3.2, "douyin": 2.4, "wechat_oa": 2.0, "wecom": 1.2}
"""Weight of each profile source when the sources of a person are drawn without replacement."""

SECOND_STOREFRONT: Final = 0.40
"""Of Tmall, Douyin and mini-program customers: share known to a second shop or app of the same brand."""

FAMILY_PHONE: Final = 0.06
TWIN: Final = 0.002
RECYCLED: Final = 0.02
"""Share of people whose number belonged to somebody else before; as many others are the former owners."""

RECYCLE_GAP_DAYS: Final = (100, 900)
CHANGED_PHONE: Final = 0.08
AGENT: Final = 0.001
AGENT_CLIENTS: Final = (5, 50)
SHOP_PHONES: Final = 1 / 2000
"""Shop or clerk phones per person; their carriers are CRM members in no other phone sharing cause."""

SHOP_CARRIERS: Final = (20, 5000)
SHOP_CARRIERS_TAIL: Final = 1.2
"""Exponent of the bounded Pareto law of carriers per shop phone."""

SHOP_CARRIERS_CAP: Final = 0.15
"""No chunk gives more than this share of its CRM members to shop phones, however large the draws."""

SEVERAL_CARDS: Final = 0.07
SECOND_WECHAT: Final = 0.03

MASKED_ONLY: Final = 0.10
"""Of phone fields in CRM and mini program. Tmall and Douyin show what those platforms show: see below."""

HASHED_ONLY: Final = 0.05
TMALL_MASKED: Final = 0.20
"""Of Tmall profiles: the masked phone stands in place of `mix_mobile`. Douyin shows the masked phone always."""

WECOM_REMARK_PHONE: Final = 0.50
DIRTY_PHONE: Final = 0.12
"""Of plain phone values."""

PLACEHOLDER: Final = 0.02
"""Of plain phone values, and of union ids of the mini program."""

UNIONID_KNOWN: Final = {"wechat_mp": 0.90, "wechat_oa": 0.90, "wecom": 0.70}
OMID_KNOWN: Final = 0.90
DOUYIN_UNION_KNOWN: Final = 0.60
EMAIL_KNOWN: Final = {"crm": 0.15, "wechat_mp": 0.05}
ID_CARD_KNOWN: Final = 0.01

NAME_KNOWN: Final = {"crm": 1.0, "wechat_mp": 0.40, "wecom": 0.90, "tmall": 0.20, "douyin": 0.0, "wechat_oa": 0.0}
NAME_WRONG_CHARACTER: Final = 0.012
NAME_TITLE: Final = 0.010
NAME_REMARK: Final = 0.010
NAME_PINYIN: Final = 0.008

ORDER_SHAPE: Final = 0.8
"""Shape of the gamma law of order frequency over people."""

ANONYMOUS_RECEIPT: Final = 0.25
"""Of POS receipts: nobody was asked who is buying."""

DETAILED_RECEIPT: Final = 0.10
"""Of POS orders: carry `lines` and `payments`; all would triple the files and exercise nothing more."""

DELIVERED_TWICE: Final = 0.02
"""Of mini-program orders: the till delivers them again under the same external number."""

REFUNDED: Final = 0.03
"""Of orders of the sources that report refunds (POS, Tmall)."""

ENTITY_CSV_LIMIT: Final = 2_000_000
"""Up to this many people the truth also names the entity of each order, and is also written as CSV."""
