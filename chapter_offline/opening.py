"""An order's model, opened as the order wants it run."""

from collections.abc import Iterator
from contextlib import contextmanager

from chapter_offline.catalog.choose import ResolvedModel, fitted, resolve_model
from chapter_offline.catalog.progress import Progress as CatalogProgress
from chapter_offline.engine.interface import Settings, SharedEngine
from chapter_offline.orders import Order
from chapter_offline.resources import cache_dir


@contextmanager
def opened(
    order: Order, watch: CatalogProgress | None = None
) -> Iterator[tuple[ResolvedModel, SharedEngine]]:
    """The model, open; freed at the end."""
    model, engine = load(order, watch)
    try:
        yield model, engine
    finally:
        engine.close()


def load(order: Order, watch: CatalogProgress | None = None) -> tuple[ResolvedModel, SharedEngine]:
    """The model, open; whoever asked closes it. Raises what resolving, fitting and loading do."""
    from chapter_offline.engine.llama import open_engine

    model = resolve_model(order.model, order.window, watch, order.memory)
    settings = Settings(
        window=order.window,
        seed=order.seed,
        threads=order.threads,
        gpu_layers=order.gpu_layers,
        log_file=str(order.log) if order.log else None,
        cache_dir=cache_dir() / "prompts",
        model_sha256=model.sha256,
        turn_opening=model.pin.turn_opening if model.pin else "",
    )
    return model, open_engine(model.path, fitted(model, settings, order.memory))
