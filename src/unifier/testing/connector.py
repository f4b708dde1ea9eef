"""The conformance kit of connectors: a class to inherit."""

from __future__ import annotations

from unifier.testing.bookmarks import BookmarkTests
from unifier.testing.conduct import ConductTests
from unifier.testing.offer import OfferTests
from unifier.testing.records import RecordTests
from unifier.testing.runs import RunTests


class ConnectorTests(OfferTests, RecordTests, BookmarkTests, RunTests, ConductTests):
    """Inherit this, set ``connector`` and ``config``, and pytest proves the connector.

    Each test says what is wrong and what to do. Tests that the connector's declared traits make irrelevant are skipped
    with a sentence. See :class:`unifier.testing.subject.Subject` for what else can be told.
    """
