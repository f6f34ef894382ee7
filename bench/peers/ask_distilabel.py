"""The benchmark's requests through distilabel: `ChatGeneration` with `OpenAILLM`."""

from pathlib import Path

from common import Asked, Clock, rows_of
from distilabel.models import OpenAILLM
from distilabel.pipeline import Pipeline
from distilabel.steps import LoadDataFromDicts
from distilabel.steps.tasks import ChatGeneration


def main() -> None:
    """Run the pipeline and tell how long it took."""
    asked = Asked.read()
    data = [{"id": row["id"], "messages": row["messages"]} for row in rows_of(asked)]
    model = OpenAILLM(
        model=asked.model,
        base_url=asked.url,
        api_key="none",
        generation_kwargs={"max_new_tokens": asked.max_tokens, "temperature": asked.temperature},
    )
    with Pipeline(name="bench", cache_dir=Path(asked.out) / "cache") as pipeline:
        load = LoadDataFromDicts(data=data, batch_size=asked.batch)
        load >> ChatGeneration(llm=model, input_batch_size=asked.batch)
    clock = Clock()
    made = pipeline.run(use_cache=True)
    clock.told([row["generation"] for row in made["default"]["train"]])


if __name__ == "__main__":  # its steps are processes of their own
    main()
