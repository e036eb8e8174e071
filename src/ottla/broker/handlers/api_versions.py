"""ApiVersions (18), versions 0-4: what this node serves.

- 0-2: keys and version ranges (1: throttle time).
- 3: flexible; the client names its software; supported and finalized features (KIP-511, KIP-584).
- 4: features with a minimum of 0 are told as well (KIP-1022).

Any version is answered: one that is not served with the body of version 0, error 35 and the versions of this API, so
that the client tries again with one of them. Groups, transactions and share groups have no feature level here, so no
feature is finalized and clients keep to the classic protocols (docs/deviations.md).
"""

import re

from ottla.broker.context import RequestContext
from ottla.model.error_codes import ErrorCode
from ottla.protocol.api import ApiKey
from ottla.protocol.messages.api_versions import ApiVersion, ApiVersionsRequest, ApiVersionsResponse
from ottla.protocol.versions import ADVERTISED, SERVED

SOFTWARE = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?")
CLIENT_NAMES_ITSELF_FROM = 3


def handle(request: ApiVersionsRequest | None, context: RequestContext) -> ApiVersionsResponse:
    """List the advertised versions; ``request`` is None when its version is not served."""
    if request is None:
        first, last = SERVED[ApiKey.API_VERSIONS]
        itself = ApiVersion(api_key=ApiKey.API_VERSIONS, min_version=first, max_version=last)
        return ApiVersionsResponse(error_code=ErrorCode.UNSUPPORTED_VERSION, api_keys=[itself])
    if context.api_version >= CLIENT_NAMES_ITSELF_FROM:
        name, version = request.client_software_name, request.client_software_version
        if not SOFTWARE.fullmatch(name) or not SOFTWARE.fullmatch(version):
            return ApiVersionsResponse(error_code=ErrorCode.INVALID_REQUEST)
        context.connection.state["software"] = f"{name} {version}"
    return ApiVersionsResponse(
        api_keys=[
            ApiVersion(api_key=key, min_version=first, max_version=last)
            for key, (first, last) in sorted(ADVERTISED.items())
        ],
    )
