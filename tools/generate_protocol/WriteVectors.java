import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.ObjectSerializationCache;
import org.apache.kafka.common.protocol.types.RawTaggedField;

/**
 * Reads lines of JSON that say which message class to fill with which values, and prints for each the bytes that
 * Kafka's own serializer makes of it, in hex.
 */
public class WriteVectors {
    public static void main(String[] arguments) throws Exception {
        ObjectMapper mapper = new ObjectMapper();
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, "UTF-8"));
        StringBuilder out = new StringBuilder();
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            JsonNode wanted = mapper.readTree(line);
            short version = (short) wanted.get("version").asInt();
            Class<?> converter = Class.forName(wanted.get("class").asText() + "JsonConverter");
            Message message = (Message) converter
                .getMethod("read", JsonNode.class, short.class)
                .invoke(null, wanted.get("values"), version);
            for (JsonNode tag : wanted.get("tags")) {
                byte[] content = HexFormat.of().parseHex(tag.get(1).asText());
                message.unknownTaggedFields().add(new RawTaggedField(tag.get(0).asInt(), content));
            }
            ObjectSerializationCache cache = new ObjectSerializationCache();
            ByteBuffer buffer = ByteBuffer.allocate(message.size(cache, version));
            message.write(new ByteBufferAccessor(buffer), cache, version);
            out.append(HexFormat.of().formatHex(buffer.array())).append('\n');
        }
        System.out.print(out);
    }
}
