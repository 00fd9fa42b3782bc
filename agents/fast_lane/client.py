"""The lane on our way out: `websockets`' client connection with a cutter in front."""

from websockets.asyncio.client import ClientConnection
from websockets.protocol import State
from websockets.typing import Data

from agents.fast_lane.cutter import Cutter, client_frame

LANE_BYTES = 256 * 1024
"""Eight seconds of 16 kHz audio in one message. Agents may send up to 16 MiB, the ordinary way."""


class LaneConnection(Cutter, ClientConnection):
    """For `connect(create_connection=LaneConnection, compression=None)`: extensions would change frames."""

    peer_masks = False
    lane_bytes = LANE_BYTES

    def hand_over(self, data: bytes) -> None:
        ClientConnection.data_received(self, data)

    def is_alive(self) -> bool:
        return self.protocol.state < State.CLOSING

    def is_open(self) -> bool:
        return self.protocol.state is State.OPEN

    async def recv(self, decode: bool | None = None) -> Data:  # type: ignore[override]  # its overloads
        with self.reader_waits():
            return await super().recv(decode)

    def send_now(self, message: bytes) -> bool:
        if self.paused or self.protocol.state is not State.OPEN or self.transport.is_closing():
            return False
        self.transport.write(client_frame(message))
        return True
