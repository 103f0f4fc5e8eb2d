"""A fit in a process of its own: it can be killed, and numba's threads cannot abort the kernel."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

START = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); from cellwidget.layout.child import main; main()"
"""Interrupting a kernel interrupts all processes of its group: the run goes on then, and so must the fit."""


class FitFailed(RuntimeError):
    """The process came to an end without places."""


class Fit:
    """A fit under way.

    Parameters
    ----------
    vectors
        What to fit, float32 [cells, d].
    seed
        Makes it come out the same again.
    threads
        Threads that it may use.
    """

    def __init__(self, vectors: NDArray[np.float32], *, seed: int, threads: int) -> None:
        bound = {name: str(threads) for name in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
        path = os.pathsep.join(entry for entry in sys.path if entry)
        self._process = subprocess.Popen(
            [sys.executable, "-c", START, str(seed)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=os.environ | bound | {"PYTHONPATH": path},
        )
        self._vectors = to_npy(vectors)
        self._output = self._errors = b""
        self._thread = threading.Thread(target=self._talk, name="cellwidget-umap", daemon=True)
        self._thread.start()

    def wait(self, seconds: float) -> bool:
        """Wait for at most some seconds; tells whether it has come to an end."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def places(self) -> NDArray[np.float32]:
        """Give what came out, float32 [cells, 2], after the end.

        Raises
        ------
        FitFailed
            If nothing came out; the message holds the process's last words.
        """
        if self._process.returncode:
            lines = self._errors.decode(errors="replace").strip().splitlines()
            raise FitFailed(lines[-1] if lines else f"the process ended with code {self._process.returncode}")
        places: NDArray[np.float32] = np.load(io.BytesIO(self._output), allow_pickle=False)
        return places

    def kill(self) -> None:
        """End it now."""
        self._process.kill()
        self._thread.join()

    def _talk(self) -> None:
        self._output, self._errors = self._process.communicate(self._vectors)


def to_npy(array: NDArray[np.float32]) -> bytes:
    """Put an array into the form in which it goes from process to process."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()
