"""The command line: parse, call, show. No other module ends the process."""

import gc
import sys
from typing import Any, NoReturn

import click

from chapter_offline import __version__
from chapter_offline.batch_command import batch
from chapter_offline.book_command import book, compare
from chapter_offline.briefs_command import briefs
from chapter_offline.bundle_command import bundle
from chapter_offline.check_command import check
from chapter_offline.claims_command import claims
from chapter_offline.commands import Commands
from chapter_offline.doctor_command import doctor
from chapter_offline.errors import ChapterOfflineError, ExitCode
from chapter_offline.explain_command import explain
from chapter_offline.models_command import models
from chapter_offline.proof_commands import replay, reproduce, verify
from chapter_offline.render_command import render
from chapter_offline.status_command import rewrite, status
from chapter_offline.stopping import stopping
from chapter_offline.whatif_command import whatif
from chapter_offline.write_command import write


class _Group(Commands):
    """Shows every error of ours in its one or two lines, with its exit code, and no traceback."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        gc.set_threshold(50_000)  # plans are many small objects that stay, and hold no circles
        try:
            with stopping():
                return super().main(*args, **kwargs | {"standalone_mode": False})
        except ChapterOfflineError as error:
            _end(str(error), error.exit_code)
        except click.exceptions.Exit as wanted:
            sys.exit(wanted.exit_code)
        except click.exceptions.Abort:
            _end("interrupted", ExitCode.INTERRUPTED)
        except click.ClickException as error:
            error.show()
            sys.exit(ExitCode.USAGE)
        except KeyboardInterrupt:
            _end("interrupted", ExitCode.INTERRUPTED)
        except MemoryError:
            _end(
                "there is not enough memory; take a smaller model or --window",
                ExitCode.DOES_NOT_FIT,
            )
        except BrokenPipeError:
            sys.stderr.close()
            sys.exit(ExitCode.OK)


def _end(message: str, code: ExitCode) -> NoReturn:
    click.echo(f"chapter-offline: {message}", err=True)
    sys.exit(code)


@click.group(
    cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, prog_name="chapter-offline")
def main() -> None:
    """Writes complete system design chapters on this machine, with an open-weights model and no network."""


main.add_command(batch)
main.add_command(book)
main.add_command(briefs)
main.add_command(bundle)
main.add_command(check)
main.add_command(claims)
main.add_command(compare)
main.add_command(doctor)
main.add_command(explain)
main.add_command(models)
main.add_command(render)
main.add_command(replay)
main.add_command(reproduce)
main.add_command(rewrite)
main.add_command(status)
main.add_command(verify)
main.add_command(whatif)
main.add_command(write)


if __name__ == "__main__":
    main()
