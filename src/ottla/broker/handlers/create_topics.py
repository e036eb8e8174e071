"""CreateTopics (19), versions 0-7: creates topics, each item answered for itself.

- 0: no reasons, no dry run; 1: both; 2: throttle time; 3: no change; 4: -1 stands for the defaults (KIP-464).
- 5: flexible; the answer has the topic's settings (KIP-525); 6: quota error (KIP-599); 7: topic id (KIP-516).

Kafka 4.2 has dropped 0 and 1; kafka-go up to 0.4.47 knows nothing newer, so they are served. The answer comes when
the topics can be produced to; Kafka's comes earlier. Of two names in one request that differ in '.' and '_' only, the
second is refused here as if the first existed already.
"""

from collections.abc import Sequence

from ottla.broker.context import RequestContext
from ottla.controller.create_topics import CreatedTopic, NewTopic
from ottla.model.errors import ApiError, StorageError
from ottla.protocol.messages.create_topics import (
    CreatableTopic,
    CreatableTopicConfigs,
    CreatableTopicResult,
    CreateTopicsRequest,
    CreateTopicsResponse,
)
from ottla.runtime.settings.describe import describe_topic

SHOWS_CONFIGS_FROM = 5


async def handle(request: CreateTopicsRequest, context: RequestContext) -> CreateTopicsResponse:
    """Create what can be created."""
    try:
        created: Sequence[CreatedTopic] = await context.node.controller.create_topics(
            [_new_topic(topic) for topic in request.topics], validate_only=request.validate_only
        )
    except (ApiError, StorageError) as error:
        failure = error if isinstance(error, ApiError) else ApiError(error.code, str(error))
        created = [CreatedTopic(name=topic.name, error=failure) for topic in request.topics]
    return CreateTopicsResponse(topics=[_result(topic, context) for topic in created])


def _new_topic(topic: CreatableTopic) -> NewTopic:
    return NewTopic(
        name=topic.name,
        partition_count=topic.num_partitions,
        replication_factor=topic.replication_factor,
        assignments=tuple((one.partition_index, tuple(one.broker_ids)) for one in topic.assignments),
        configs=tuple((config.name, config.value) for config in topic.configs),
    )


def _result(topic: CreatedTopic, context: RequestContext) -> CreatableTopicResult:
    if topic.error is not None:
        return CreatableTopicResult(name=topic.name, error_code=topic.error.code, error_message=topic.error.message)
    configs = []
    if context.api_version >= SHOWS_CONFIGS_FROM:
        configs = [
            CreatableTopicConfigs(
                name=entry.name,
                value=entry.value,
                read_only=entry.read_only,
                config_source=entry.source,
                is_sensitive=entry.sensitive,
            )
            for entry in describe_topic(context.node.config, topic.configs)
        ]
    return CreatableTopicResult(
        name=topic.name,
        topic_id=topic.id,
        error_message=None,
        num_partitions=topic.partition_count,
        replication_factor=topic.replication_factor,
        configs=configs,
    )
