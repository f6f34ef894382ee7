import pytest

from opencharacter.store.licences import strictest


@pytest.mark.parametrize(
    ("named", "hub"),
    [
        (["Apache-2.0"], "apache-2.0"),
        (["Apache-2.0 + CC-BY-NC-SA-4.0", "MIT"], "cc-by-nc-sa-4.0"),
        (["CC-BY-NC-4.0", "CC-BY-NC-SA"], "cc-by-nc-sa-4.0"),
        (["CC-BY-4.0", "CC-BY-SA-4.0"], "cc-by-sa-4.0"),
        (["CC BY 4.0"], "cc-by-4.0"),
        (["CC-BY-NC-4.0", "CC-BY-ND-4.0"], "cc-by-nc-nd-4.0"),
        (["CC-BY-NC-SA-4.0", "CC-BY-SA-4.0"], "other"),
        (["CC-BY-SA-4.0", "CC-BY-NC-4.0"], "other"),
        (["CC-BY-SA-3.0", "CC-BY-SA-4.0", "MIT"], "cc-by-sa-4.0"),
        (["llama3", "CC-BY-SA-4.0"], "other"),
        (["CC-BY-NC-SA-4.0", "CC-BY-ND-4.0"], "other"),
        (["CC-BY-ND-4.0", "CC-BY-SA-3.0", "MIT"], "other"),
        (["Llama-2", "MIT"], "llama2"),
        (["Llama 3.1 Community License"], "llama3.1"),
        (["llama2", "llama3"], "other"),
        (["llama3", "CC-BY-NC-4.0"], "other"),
        (["ODbL-1.0", "MIT"], "odbl"),
        (["ODbL-1.0", "CC-BY-SA-4.0"], "other"),
        (["MIT License", "CC-BY-NC-4.0"], "cc-by-nc-4.0"),
        (["Apache-2.0", "My-Own-1.0"], "other"),
        (["Apache-2.0", "unknown", "My-Own-1.0"], "unknown"),
        ([], "unknown"),
    ],
)
def test_the_strictest_parent_decides(named, hub):
    assert strictest(named).hub == hub


def test_all_parents_are_named_the_strictest_first():
    found = strictest(["MIT + CC-BY-NC-SA-4.0", "Apache-2.0"])

    assert found.parents == ("CC-BY-NC-SA-4.0", "Apache-2.0", "MIT")
