"""The law compiled to WebAssembly, in this process: the embedded default."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from opapywasm import OpaWasmPolicy, PolicyConfig
from opapywasm.errors import OpaWasmError

from services.access.decisions.engine.bundle import Bundle, read_bundle
from services.access.decisions.engine.inputs import check_input
from services.access.decisions.engine.port import DecisionInput, EngineUnavailable, PolicyResult, believe

ENTRYPOINT = "factory/decision/result"


class WasmEngine:
    """Evaluates on threads of its own, off the event loop; about 0.5 ms an input, and as much for the schema.

    `workers` bounds evaluations at once, `deadline_s` how long one caller waits, queueing included.
    """

    def __init__(self, bundle: Bundle | None = None, *, workers: int = 2, deadline_s: float = 2.0) -> None:
        bundle = bundle or read_bundle()
        self._revision = bundle.revision
        self._deadline_s = deadline_s
        try:
            self._policy = OpaWasmPolicy.from_wasm_bytes(
                bundle.wasm,
                PolicyConfig(pool_size=workers, default_entrypoint=ENTRYPOINT, eval_timeout_seconds=deadline_s),
            )
        except OpaWasmError as error:
            raise EngineUnavailable("the policy does not load") from error
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="policy")

    @property
    def revision(self) -> str:
        """Return the SHA-256 (hex) of the sources of the law."""
        return self._revision

    def _judge(self, decision_input: DecisionInput) -> object:
        check_input(decision_input)
        try:
            # An undefined result is a falsy sentinel that is not an object: `believe` refuses it.
            return self._policy.evaluate(dict(decision_input))
        except OpaWasmError as error:
            raise EngineUnavailable("the policy failed") from error

    async def evaluate(self, decision_input: DecisionInput) -> PolicyResult:
        """Return what the law says. Raises InvalidDecisionInput, EngineUnavailable."""
        try:
            async with asyncio.timeout(self._deadline_s):
                loop = asyncio.get_running_loop()
                value = await loop.run_in_executor(self._threads, self._judge, decision_input)
        except TimeoutError as error:
            raise EngineUnavailable("the policy did not answer in time") from error
        except RuntimeError as error:  # the threads were shut down
            raise EngineUnavailable("the engine is closed") from error
        return believe(value, self._revision)

    async def close(self) -> None:
        """Stop the threads; what is queued is refused."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        await asyncio.to_thread(self._policy.close)
