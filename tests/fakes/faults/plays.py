"""What a faulty service does once a request has come: one function for each fault, in the order of `kinds.FAULTS`."""

from tests.fakes.faults.refusals import REFUSALS
from tests.fakes.faults.wire import Wire, in_bytes


async def hang(wire: Wire) -> None:
    await wire.silence()


async def hang_in_headers(wire: Wire) -> None:
    await wire.send(b"HTTP/1.1 200 OK\r\ncontent-type: text/")
    await wire.silence()


async def hang_after_headers(wire: Wire) -> None:
    await wire.open_stream()
    await wire.silence()


async def hang_mid_stream(wire: Wire) -> None:
    await wire.open_stream()
    await wire.word()
    await wire.silence()


async def drip_headers(wire: Wire) -> None:
    await wire.send(b"HTTP/1.1 200 OK\r\nx-drip: ")
    await wire.drip(in_bytes(b"still here "))


async def drip_comments(wire: Wire) -> None:
    await wire.open_stream()
    await wire.drip([b": OPENROUTER PROCESSING\n\n"], chunked=True)


async def drip_tokens(wire: Wire) -> None:
    await wire.open_stream()
    await wire.drip([wire.dialect.word("a")], chunked=True)


async def drip_bytes(wire: Wire) -> None:
    await wire.open_stream()
    await wire.drip(in_bytes(wire.dialect.word("a" * 1_000)), chunked=True)


async def drip_error(wire: Wire) -> None:
    await wire.send(b"HTTP/1.1 500 X\r\ncontent-type: application/json\r\ncontent-length: 9999\r\n\r\n")
    await wire.drip([b" "])


async def never_close(wire: Wire) -> None:
    await wire.open_stream()
    await wire.word("the whole answer")
    await wire.finish()
    await wire.silence()


async def cut_mid_stream(wire: Wire) -> None:
    await wire.open_stream()
    await wire.word()
    await wire.cut()


async def reset_mid_stream(wire: Wire) -> None:
    await wire.open_stream()
    await wire.word()
    wire.reset()


async def end_without_finish(wire: Wire) -> None:
    await wire.open_stream()
    await wire.word()
    await wire.close_stream()


async def cut_short(wire: Wire) -> None:
    await wire.send(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 9999\r\n\r\n")
    await wire.send(wire.dialect.word("so far"))
    await wire.cut()


async def malformed(wire: Wire) -> None:
    await wire.open_stream()
    await wire.word()
    await wire.piece(b'data: {"choices": [{"delta"\n\n')
    await wire.finish()
    await wire.close_stream()


async def not_an_object(wire: Wire) -> None:
    await wire.open_stream()
    await wire.piece(b"data: 42\n\n")
    await wire.close_stream()


async def page(wire: Wire) -> None:
    await wire.respond(200, "<!doctype html><title>Log in to the hotel's network</title>")


async def words(wire: Wire) -> None:
    await wire.respond(200, b"OK", content_type="text/plain")


async def nothing(wire: Wire) -> None:
    await wire.respond(200, b"", content_type="text/event-stream")


async def no_content(wire: Wire) -> None:
    await wire.send(b"HTTP/1.1 204 No Content\r\n\r\n")


async def empty_answer(wire: Wire) -> None:
    await wire.open_stream()
    await wire.finish()
    await wire.close_stream()


async def only_thoughts(wire: Wire) -> None:
    await wire.open_stream()
    await wire.piece(wire.dialect.thought("hm"))
    for event in wire.dialect.finish("MAX_TOKENS" if wire.dialect.gemini else "length"):
        await wire.piece(event)
    await wire.close_stream()


async def filtered(wire: Wire) -> None:
    await wire.open_stream()
    await wire.word()
    for event in wire.dialect.finish("SAFETY" if wire.dialect.gemini else "content_filter"):
        await wire.piece(event)
    await wire.close_stream()


async def error_in_a_200(wire: Wire) -> None:
    await wire.respond(200, REFUSALS["error_500"][wire.dialect.backend].body)


async def limit_in_a_200(wire: Wire) -> None:
    await wire.respond(200, REFUSALS["minute_429"][wire.dialect.backend].body)


async def error_mid_stream(wire: Wire) -> None:
    await wire.open_stream()
    await wire.word()
    await wire.piece(wire.dialect.error_in_stream())
    await wire.close_stream()


async def reset(wire: Wire) -> None:
    wire.reset()


async def hang_up(wire: Wire) -> None:
    await wire.cut()


async def not_http(wire: Wire) -> None:
    await wire.send(b"220 mail.example ESMTP ready\r\n")
    await wire.cut()


async def header_flood(wire: Wire) -> None:
    await wire.send(b"HTTP/1.1 200 OK\r\nx-flood: ")
    await wire.flood(chunked=False)


async def body_flood(wire: Wire) -> None:
    await wire.open_stream()
    await wire.send(b"6\r\ndata: \r\n")
    await wire.flood()


async def error_flood(wire: Wire) -> None:
    await wire.send(b"HTTP/1.1 500 X\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n")
    await wire.flood()


async def gzip_garbage(wire: Wire) -> None:
    await wire.open_stream({"content-encoding": "gzip"})
    await wire.piece(b"this was never compressed")
    await wire.close_stream()


async def bad_chunk(wire: Wire) -> None:
    await wire.open_stream()
    await wire.word()
    await wire.send(b"zz\r\nnot a length\r\n")
    await wire.silence()
