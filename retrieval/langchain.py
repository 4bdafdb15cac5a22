"""Virgolette's parts as LangChain's, for people who bring a chain of their own.

The surfaces do without: to import LangChain's Runnable takes half a second and 20 MB.
"""

from __future__ import annotations

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable, RunnableLambda
from pydantic import ConfigDict

from index.generations.generation import Generation
from index.models.embedder import Embedder
from retrieval.answer import Answer, Question
from retrieval.answering.search import PASSAGES, Fusion, HybridSearch, ScoredPassage
from retrieval.chain import AnswerChain


class HybridRetriever(BaseRetriever):
    """The k passages of one generation that are nearest to a query, best first.

    Documents carry the passage's text, its id, and in ``metadata`` its ``row``, ``article``,
    ``start``, ``end``, ``score``, and by how much that is ``behind`` the best one's (0 or more).
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    generation: Generation
    embedder: Embedder
    k: int = PASSAGES
    fusion: Fusion = Fusion()

    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun,  # noqa: ARG002
    ) -> list[Document]:
        search = HybridSearch(self.generation, self.embedder, self.fusion)
        return [_document(found) for found in search.passages(query, self.k)]


def as_runnable(chain: AnswerChain) -> Runnable[Question, Answer]:
    """The chain as a Runnable. Where LangSmith is set up, its runs are traced there.

    A keyword ``asking`` reaches the chain.
    """
    return RunnableLambda(chain.invoke, chain.ainvoke, name=type(chain).__name__)


def _document(found: ScoredPassage) -> Document:
    passage = found.passage
    place = {"article": passage.article, "start": passage.start, "end": passage.end}
    scores = {"score": found.score, "behind": found.behind}
    return Document(
        id=passage.id, page_content=passage.text, metadata={"row": passage.row, **place, **scores}
    )
