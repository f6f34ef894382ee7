"""The benchmark's requests through datatrove's `InferenceRunner`, without and with checkpoints."""

import json
from pathlib import Path

from common import Asked, Clock, rows_of
from datatrove.data import Document
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.inference.run_inference import InferenceConfig, InferenceRunner
from datatrove.pipeline.writers import JsonlWriter


async def ask(document, generate):
    """Ask one chat."""
    return await generate({"messages": document.metadata["messages"]})


def main() -> None:
    """Run the pipeline and tell how long it took."""
    asked = Asked.read()
    documents = [
        Document(text=row["messages"][-1]["content"], id=row["id"], metadata=row)
        for row in rows_of(asked)
    ]
    out = Path(asked.out)
    config = InferenceConfig(
        server_type="endpoint",
        endpoint_url=asked.url.removesuffix("/v1"),
        model_name_or_path=asked.model,
        default_generation_params={
            "max_tokens": asked.max_tokens,
            "temperature": asked.temperature,
        },
        max_concurrent_generations=asked.parallel,
        metric_interval=600,
    )
    runner = InferenceRunner(
        rollout_fn=ask,
        config=config,
        output_writer=JsonlWriter(
            str(out / "data"),
            output_filename="${rank}_chunk_${chunk_index}.jsonl",
            compression=None,
        ),
        checkpoints_local_dir=str(out / "checkpoints") if asked.is_logged else None,
        records_per_chunk=500,
    )
    clock = Clock()
    LocalPipelineExecutor(pipeline=[documents, runner], logging_dir=str(out / "logs")).run()
    lines = [line for path in (out / "data").rglob("*.jsonl") for line in path.open()]
    made = [json.loads(line)["metadata"]["rollout_results"] for line in lines]
    clock.told([result[0]["text"] if result else "" for result in made])


if __name__ == "__main__":
    main()
