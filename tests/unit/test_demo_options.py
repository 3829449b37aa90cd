"""What `make run` says to a person who typed something that it cannot do."""

import pytest

from hil_tests.demo.__main__ import main


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--for", "1m"], "'1m' is not a number of seconds, as in FOR=60"),
        (["--for", "-5"], "'-5' is not a number of seconds"),
        (["--for", "inf"], "not a number of seconds"),
        (["--lanes", "0"], "1 to 16 lanes"),
        (["--for", "60", "--no-supervisor"], "FOR= or SUPERVISOR=0, not both"),
    ],
)
def test_what_it_cannot_do_is_said_before_anything_starts(
    capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert told in capsys.readouterr().err
