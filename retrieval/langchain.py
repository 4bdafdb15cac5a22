"""Virgolette's parts as LangChain components, for chains of your own.

Virgolette itself does without them: importing LangChain's Runnable takes half a second and 20 MB.
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
    """Retrieves the k passages of one generation that are nearest to a query, best first.

    Documents carry the passage's text, its id, and in ``metadata`` its ``row``, ``article``,
    ``start``, ``end``, ``score``, and by how much that is ``behind`` the best one's (≥ 0).
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
        return [_document(scored) for scored in search.passages(query, self.k)]


def as_runnable(chain: AnswerChain) -> Runnable[Question, Answer]:
    """The chain as a Runnable, which LangSmith traces if it is set up.

    The keyword ``options`` is passed to the chain.
    """
    return RunnableLambda(chain.invoke, chain.ainvoke, name=type(chain).__name__)


def _document(scored: ScoredPassage) -> Document:
    passage = scored.passage
    metadata = {name: getattr(passage, name) for name in ("row", "article", "start", "end")}
    metadata |= {"score": scored.score, "behind": scored.behind}
    return Document(id=passage.id, page_content=passage.text, metadata=metadata)
