import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.Arrays;
import org.apache.kafka.common.utils.AppInfoParser;

/** Calls by name what not every version of the client has. */
final class Newer {
    private Newer() {}

    private static Method find(Class<?> type, String name, int count) {
        return Arrays.stream(type.getMethods())
            .filter(each -> each.getName().equals(name) && each.getParameterCount() == count)
            .findFirst()
            .orElse(null);
    }

    /** Whether a class has a public method of that name and number of arguments. */
    static boolean has(Class<?> type, String name, int count) {
        return find(type, name, count) != null;
    }

    /** Calls the first of the methods that there is; {@link Driver.None} when there is none. */
    @SuppressWarnings("unchecked")
    static <T> T call(Class<?> type, Object target, String[] names, Object... arguments) throws Exception {
        for (String name : names) {
            Method method = find(type, name, arguments.length);
            if (method != null) {
                try {
                    return (T) method.invoke(target, arguments);
                } catch (InvocationTargetException failure) {
                    throw failure.getCause() instanceof Exception cause ? cause : failure;
                }
            }
        }
        throw new Driver.None("kafka-clients " + AppInfoParser.getVersion() + " has no " + names[0]);
    }

    /** Calls a method. */
    static <T> T call(Class<?> type, Object target, String name, Object... arguments) throws Exception {
        return call(type, target, new String[] {name}, arguments);
    }
}
