package influx

const notFound = "404 page not found"

func endpointCases() []conformanceCase {
	return []conformanceCase{
		{name: "ping", request: request{path: "/ping"}, status: 204},
		{name: "ping by HEAD", request: request{method: "HEAD", path: "/ping"}, status: 204},
		{name: "ping verbose=0", request: request{path: "/ping?verbose=0"}, status: 204},
		{name: "ping verbose=false", request: request{path: "/ping?verbose=false"}, status: 204},
		{
			name: "ping verbose=true", request: request{path: "/ping?verbose=true"},
			status: 200, want: `{"version":"1.8.10"}`,
			old: &oldAnswer{why: "verbose came with 1.7", status: 204},
		},
		{name: "ping by POST", request: request{method: "POST", path: "/ping"}, status: 405, want: "Method Not Allowed"},
		{name: "status", request: request{path: "/status"}, status: 204},
		{
			name: "health", request: request{path: "/health"}, status: 200,
			want: `{"checks":[],"message":"ready for queries and writes","name":"influxdb","status":"pass","version":"1.8.10"}`,
			old:  &oldAnswer{why: "/health came with 1.8", status: 404, body: notFound},
		},
		{name: "no such path", request: request{path: "/nothing"}, status: 404, want: notFound},
		{name: "query by PUT", request: request{method: "PUT", path: "/query"}, status: 405, want: "Method Not Allowed"},
		{name: "write by GET", request: request{path: "/write?db=ephor"}, status: 405, want: "Method Not Allowed"},
		{name: "query by OPTIONS", request: request{method: "OPTIONS", path: "/query"}, status: 200},
		{name: "write by OPTIONS", request: request{method: "OPTIONS", path: "/write"}, status: 200},
		{
			name:    "credentials in parameters",
			request: request{path: "/query?u=writer&p=secret&q=SHOW DATABASES"}, status: 200,
			want: `{"results":[{"statement_id":0,"series":[{"name":"databases","columns":["name"],"values":[["ephor"]]}]}]}`,
		},
		{
			name: "Basic credentials",
			request: request{
				path:   "/query?q=SHOW DATABASES",
				header: map[string]string{"Authorization": "Basic d3JpdGVyOnNlY3JldA=="},
			},
			status: 200,
			want:   `{"results":[{"statement_id":0,"series":[{"name":"databases","columns":["name"],"values":[["ephor"]]}]}]}`,
		},
		{
			name: "Token credentials",
			request: request{
				method: "POST", path: "/write?db=ephor", body: "token v=1 1",
				header: map[string]string{"Authorization": "Token writer:secret"},
			},
			status: 204, stored: "SELECT * FROM token", values: "[1,1]",
		},
	}
}
