import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.Arrays;
import org.apache.kafka.common.utils.AppInfoParser;

/** Calls by name what not every version of the client has. */
final class Newer {
    private Newer() {}

    private static Method find(Class<?> type, String name, Object... arguments) {
        return Arrays.stream(type.getMethods())
            .filter(each -> each.getName().equals(name) && takes(each.getParameterTypes(), arguments))
            .findFirst()
            .orElse(null);
    }

    private static boolean takes(Class<?>[] types, Object[] arguments) {
        if (types.length != arguments.length) {
            return false;
        }
        for (int at = 0; at < types.length; at++) {
            boolean number = types[at] == int.class && arguments[at] instanceof Integer;
            if (!number && !types[at].isInstance(arguments[at])) {
                return false;
            }
        }
        return true;
    }

    /** Whether a class has a public method of that name without arguments. */
    static boolean has(Class<?> type, String name) {
        return find(type, name) != null;
    }

    /** Calls the first of the methods that there is; {@link Driver.None} when there is none. */
    @SuppressWarnings("unchecked")
    static <T> T call(Class<?> type, Object target, String[] names, Object... arguments) throws Exception {
        for (String name : names) {
            Method method = find(type, name, arguments);
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
