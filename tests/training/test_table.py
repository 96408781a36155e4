from dse import zoo
from training.table import README, rendered, rewritten


def test_the_readme_shows_the_table_that_ships() -> None:
    readme = README.read_text()
    assert rewritten(readme, zoo.entries().values()) == readme
    assert rendered(zoo.entries().values()).count("\n") == len(zoo.networks()) + 2
