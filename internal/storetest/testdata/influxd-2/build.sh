#!/usr/bin/env bash
# Builds InfluxDB 2.7.12's own influxd from Go's module proxy, which has all of it but the compiler of its second query
# language, Flux: that is a Rust library. libflux.c stands in its place, so that this influxd writes, and answers
# InfluxQL, as ever, and refuses Flux.
#
#   internal/storetest/testdata/influxd-2/build.sh ~/go/bin/influxd-2
#
# It wants gcc, 3 GB of disk in Go's caches, and some minutes.
set -euo pipefail
output=$(realpath -m "$1")
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

cat >go.mod <<'EOF'
module influxd

go 1.24

require github.com/influxdata/influxdb/v2 v2.7.12

replace github.com/influxdata/flux => ./flux

// As InfluxDB's own go.mod has it.
replace github.com/nats-io/nats-streaming-server v0.11.2 => github.com/influxdata/nats-streaming-server v0.11.3-0.20201112040610-c277f7560803
EOF
cat >program.go <<'EOF'
//go:build never

package influxd

import _ "github.com/influxdata/influxdb/v2/cmd/influxd"
EOF

cp -r "$(go mod download -json github.com/influxdata/flux@v0.196.1 | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')" flux
chmod -R u+w flux
rm flux/libflux/go/libflux/link_*.go
cp "$here/libflux.c" flux/libflux/go/libflux/
cat >flux/libflux/go/libflux/include.go <<'EOF'
package libflux

// #cgo CFLAGS: -I${SRCDIR}/../../include
import "C"
EOF
# The types of Flux's own functions come from the Rust library, too: one type serves for all where none is ever called.
sed -i \
  -e 's/^var stdlibTypeEnvironment = .*/var stdlibTypeEnvironment = map[envKey]*fbsemantic.Prop{}\n\nvar _ = libflux.EnvStdlib/' \
  -e 's/return semantic.MonoType{}, errors.Newf(codes.Internal, "Expected.*/return semantic.NewFunctionType(semantic.BasicInt, nil), nil/' \
  flux/runtime/lookup.go
sed -i 's/if err := Default.Finalize(); err != nil {/if err := error(nil); err != nil {/' flux/runtime/global.go

go mod tidy
CGO_ENABLED=1 go build -ldflags '-X main.version=v2.7.12' -o "$output" github.com/influxdata/influxdb/v2/cmd/influxd
"$output" version
