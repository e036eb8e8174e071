#!/bin/sh
# Gives @confluentinc/kafka-javascript its binary: the published one where it can be fetched, else one built from the
# package's own sources.
#
# Usage: build.sh FOLDER, the one that holds node_modules. The build takes about three minutes of one core and needs a
# C++20 compiler, make, Python, zlib's headers and Node's own. zstd's sources come with the package zstd-napi (the lock
# pins it), so every codec is there. Without TLS: Node exports its own OpenSSL, whose symbols a librdkafka against the
# system's would get.
set -eu
folder=$(cd "$1" && pwd)
module=$folder/node_modules/@confluentinc/kafka-javascript
binary=$module/build/Release/confluent-kafka-javascript.node
nice=$(command -v nice || true)

works() (
    cd "$folder"
    node -e "process.exit(require('@confluentinc/kafka-javascript').features.includes('zstd') ? 0 : 1)"
)

cd "$module"
if [ ! -e "$binary" ]; then
    "$folder/node_modules/.bin/node-pre-gyp" install && works && exit 0
    rm -rf build
fi

zstd=$folder/zstd
if [ ! -e "$zstd/libzstd.a" ]; then
    mkdir -p "$zstd"
    sources=$folder/node_modules/zstd-napi/deps/zstd/lib
    cp "$sources"/*.h "$zstd/"
    (cd "$zstd" && $nice cc -O2 -fPIC -w -DZSTD_DISABLE_ASM=1 -c "$sources"/*/*.c)
    (cd "$zstd" && ar rcs libzstd.a ./*.o && rm -f ./*.o)
fi

cd deps/librdkafka
STATIC_LIB_libzstd=$zstd/libzstd.a ./configure --prefix="$module/build/deps" --libdir="$module/build/deps" \
    --enable-static --enable-strip --disable-lz4-ext --disable-gssapi --disable-ssl --disable-curl \
    --CPPFLAGS="-I$zstd" --LDFLAGS="-L$zstd"
$nice make -j2 libs
$nice make install-subdirs
cd "$module"
# The package's own build finds librdkafka configured and built, and makes only the binding.
# Through npm, for it tells where Node's headers are.
cd "$folder"
LDFLAGS="-Wl,--no-as-needed -lz" JOBS=2 $nice npm rebuild --loglevel=error @confluentinc/kafka-javascript
works || { echo "built, but without zstd" >&2; exit 1; }
