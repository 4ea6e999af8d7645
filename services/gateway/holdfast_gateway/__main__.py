"""Start the gateway: python -m holdfast_gateway."""

from __future__ import annotations

from holdfast_common.contracts.registry import Service
from holdfast_common.runtime import run
from holdfast_common.settings import CommonSettings, load_or_exit

from holdfast_gateway import bootstrap
from holdfast_gateway.edge_settings import EdgeSettings
from holdfast_gateway.settings import GatewaySettings


def main() -> None:
    common, settings, edge = load_or_exit(CommonSettings, GatewaySettings, EdgeSettings)
    run(Service.GATEWAY, common, lambda runtime: bootstrap.wire(runtime, settings, edge))


if __name__ == "__main__":
    main()
