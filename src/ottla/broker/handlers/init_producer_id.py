"""InitProducerId (22), versions 0-5: an id for an idempotent producer (KIP-98).

- 0; 1: no change; 2: flexible; 3: the id and epoch of before (KIP-360); 4: PRODUCER_FENCED; 5: no change (KIP-890).

A transactional id is refused with TRANSACTIONAL_ID_AUTHORIZATION_FAILED, since transactions are not served: every
client takes it for final and says so at once, while librdkafka tries for ever after UNSUPPORTED_VERSION and all of
them after COORDINATOR_NOT_AVAILABLE. Kafka uses the code itself for a feature that is switched off (KIP-939).
"""

from ottla.broker.context import RequestContext
from ottla.model.error_codes import ErrorCode
from ottla.model.errors import ApiError, StorageError
from ottla.protocol.messages.init_producer_id import InitProducerIdRequest, InitProducerIdResponse

NOT_GIVEN = -1


async def handle(request: InitProducerIdRequest, context: RequestContext) -> InitProducerIdResponse:
    """Hand out a new id with epoch 0; what an idempotent producer had before does not matter."""
    refused = _refusal(request)
    if refused is not None:
        return InitProducerIdResponse(error_code=refused, producer_epoch=NOT_GIVEN)
    try:
        producer_id = await context.node.controller.next_producer_id()
    except (ApiError, StorageError) as error:
        return InitProducerIdResponse(error_code=error.code, producer_epoch=NOT_GIVEN)
    return InitProducerIdResponse(producer_id=producer_id, producer_epoch=0)


def _refusal(request: InitProducerIdRequest) -> ErrorCode | None:
    if (request.producer_id == NOT_GIVEN) != (request.producer_epoch == NOT_GIVEN) or request.transactional_id == "":
        return ErrorCode.INVALID_REQUEST
    if request.transactional_id is not None:
        return ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED
    return None
