"""The carrier's play-out queue for one call: audio and marks in order of arrival, played in real time."""

from collections import deque

FRAME_BYTES = 160  # 20 ms of mu-law
SILENCE = b"\xff" * FRAME_BYTES
LIMIT_BYTES = 10 * 60 * 8000


class Playout:
    def __init__(self, limit_bytes: int = LIMIT_BYTES) -> None:
        self._queue: deque[bytes | str] = deque()  # audio, or a mark's name
        self._limit_bytes = limit_bytes
        self.buffered_bytes = 0

    def add(self, audio: bytes) -> bool:
        """False: more than ten minutes are waiting already, and this is lost."""
        if self.buffered_bytes + len(audio) > self._limit_bytes:
            return False
        if audio:
            self._queue.append(audio)
            self.buffered_bytes += len(audio)
        return True

    def mark(self, name: str) -> list[str]:
        """The marks to echo at once: this one, if nothing is waiting to be played."""
        if not self.buffered_bytes:
            return [name]
        self._queue.append(name)
        return []

    def clear(self) -> list[str]:
        """Forget all audio; the pending marks are to be echoed at once, as if played."""
        marks = [item for item in self._queue if isinstance(item, str)]
        self._queue.clear()
        self.buffered_bytes = 0
        return marks

    def play_frame(self) -> tuple[bytes, list[str]]:
        """The next 20 ms that the caller hears, and the marks that this completes."""
        frame = bytearray()
        marks = []
        while self._queue:
            item = self._queue[0]
            if isinstance(item, str):
                marks.append(item)
                self._queue.popleft()
                continue
            wanted = FRAME_BYTES - len(frame)
            if not wanted:
                break
            self._queue.popleft()
            frame += item[:wanted]
            if len(item) > wanted:
                self._queue.appendleft(item[wanted:])
        self.buffered_bytes -= len(frame)
        return bytes(frame).ljust(FRAME_BYTES, b"\xff"), marks
