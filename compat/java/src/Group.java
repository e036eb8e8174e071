import java.time.Duration;
import java.util.Map;

/** The operations of the one member that a driver holds. */
final class Group {
    private static final Map<String, String> STRATEGIES = Map.of(
        "range", "RangeAssignor", "roundrobin", "RoundRobinAssignor",
        "sticky", "StickyAssignor", "cooperative-sticky", "CooperativeStickyAssignor");

    private Member member;

    void register(Map<String, Driver.Handler> handlers) {
        handlers.put("join", this::join);
        handlers.put("assignment", request -> member().assignment());
        handlers.put("poll", request -> member().poll(request.number("wait_ms", 0), (int) request.number("max", 500)));
        handlers.put("commit", request -> member().commit());
        handlers.put("committed", request -> member().committed(request.partition()));
        handlers.put("leave", request -> leave());
    }

    void close() {
        if (member != null) {
            member.close(Duration.ofSeconds(5));
        }
    }

    private Member member() {
        if (member == null) {
            throw new IllegalStateException("driver: there is no member");
        }
        return member;
    }

    private Map<String, Object> join(Request request) {
        if (member != null) {
            throw new IllegalStateException("driver: there is a member already");
        }
        long sessionMs = request.number("session_timeout_ms", 10_000);
        var settings = request.settings();
        settings.put("group.id", request.text("group"));
        if (request.text("strategy") != null) {
            String strategy = STRATEGIES.get(request.text("strategy"));
            if (strategy == null) {
                throw new Driver.None("kafka-clients has no strategy " + request.text("strategy"));
            }
            settings.put("partition.assignment.strategy", "org.apache.kafka.clients.consumer." + strategy);
        }
        settings.put("session.timeout.ms", String.valueOf(sessionMs));
        settings.put("heartbeat.interval.ms", String.valueOf(Math.min(500, sessionMs / 3)));
        settings.put("auto.offset.reset", "earliest");
        settings.put("enable.auto.commit", "false");
        settings.put("allow.auto.create.topics", "false");
        if (request.text("instance_id") != null) {
            settings.put("group.instance.id", request.text("instance_id"));
        }
        member = new Member(settings, request.texts("topics"));
        return Map.of();
    }

    private Map<String, Object> leave() {
        Member leaving = member();
        member = null;
        leaving.close(Duration.ofSeconds(20));
        return Map.of();
    }
}
