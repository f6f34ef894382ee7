"""The benchmark's requests through NeMo DataDesigner: one text column over a seed data set."""

import data_designer.config as dd
import pandas as pd
from common import Asked, Clock, rows_of
from data_designer.interface import DataDesigner


def main() -> None:
    """Run it and tell how long it took."""
    asked = Asked.read()
    rows = [
        {"system": row["messages"][0]["content"], "question": row["messages"][1]["content"]}
        for row in rows_of(asked)
    ]
    parameters = dd.ChatCompletionInferenceParams(
        temperature=asked.temperature,
        max_tokens=asked.max_tokens,
        max_parallel_requests=asked.parallel,
    )
    model = dd.ModelConfig(
        alias="teacher",
        model=asked.model,
        provider="server",
        inference_parameters=parameters,
        skip_health_check=True,
    )
    builder = dd.DataDesignerConfigBuilder(model_configs=[model])
    builder.with_seed_dataset(dd.DataFrameSeedSource(df=pd.DataFrame(rows)))
    builder.add_column(
        dd.LLMTextColumnConfig(
            name="answer",
            prompt="{{ question }}",
            system_prompt="{{ system }}",
            model_alias="teacher",
        )
    )
    designer = DataDesigner(
        artifact_path=asked.out,
        model_providers=[dd.ModelProvider(name="server", endpoint=asked.url, api_key="none")],
    )
    clock = Clock()
    made = designer.create(builder, num_records=len(rows), dataset_name="bench")
    clock.told(list(made.load_dataset()["answer"]))


if __name__ == "__main__":
    main()
