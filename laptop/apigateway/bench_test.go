package apigateway

import (
	"io"
	"net"
	"net/http"
	"testing"
)

// BenchmarkGateway is a warm request through the gateway, without a function behind it, beside
// one to a bare net/http server.
func BenchmarkGateway(b *testing.B) {
	b.Run("bare", func(b *testing.B) {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		must(b, err)
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "Hello World")
		})}
		go func() { _ = server.Serve(l) }()
		defer server.Close()
		benchmark(b, "http://"+l.Addr().String()+"/hello/grafana")
	})
	b.Run("gateway", func(b *testing.B) {
		s := openService(b, Config{Invoker: answer(`"Hello World"`)})
		api := newTestAPI(b, s, "GET /hello/grafana")
		benchmark(b, s.Endpoint(api.APIID)+"/hello/grafana")
	})
}

// BenchmarkFronts are the other two beside it.
func BenchmarkFronts(b *testing.B) {
	s := openService(b, Config{Invoker: answer(`{"statusCode":200,"body":"Hello World"}`)})
	b.Run("REST", func(b *testing.B) {
		api := newTestREST(b, s, RestAPIInput{}, "GET /hello/grafana")
		benchmark(b, s.Endpoint(api.ID)+"/prod/hello/grafana")
	})
	b.Run("URL", func(b *testing.B) { benchmark(b, openURL(b, s, FunctionURL{})+"/hello/grafana") })
}

func benchmark(b *testing.B, url string) {
	b.ReportAllocs()
	for b.Loop() {
		res, err := http.Get(url)
		must(b, err)
		_, err = io.Copy(io.Discard, res.Body)
		must(b, err)
		res.Body.Close()
	}
}
