package influx

const (
	usageRFC3339 = `{"name":"cpu","columns":["time","usage"],"values":[["1970-01-01T00:00:01Z",1.5],["1970-01-01T00:00:02Z",2.5],["1970-01-01T00:00:03Z",3.5]]}`
	usageMicro   = `{"results":[{"statement_id":0,"series":[{"name":"cpu","columns":["time","usage"],"values":[[1000000,1.5],[2000000,2.5],[3000000,3.5]]}]}]}`
	usageNano    = `{"results":[{"statement_id":0,"series":[{"name":"cpu","columns":["time","usage"],"values":[[1000000000,1.5],[2000000000,2.5],[3000000000,3.5]]}]}]}`
	usageZero    = `{"results":[{"statement_id":0,"series":[{"name":"cpu","columns":["time","usage"],"values":[[0,1.5],[0,2.5],[0,3.5]]}]}]}`
	databases    = `"series":[{"name":"databases","columns":["name"],"values":[["ephor"]]}]`
)

func get(path string) request { return request{path: path} }

func queryCases() []conformanceCase {
	return []conformanceCase{
		{name: "no q", request: get("/query?db=ephor"), status: 400, want: `{"error":"missing required parameter \"q\""}`},
		{name: "empty q", request: get("/query?q= "), status: 400, want: `{"error":"missing required parameter \"q\""}`},
		{
			name: "does not parse", request: get("/query?q=SELECT"), status: 400,
			want: `{"error":"error parsing query: found EOF, expected identifier, string, number, bool at line 1, char 8"}`,
		},
		{
			name: "no database", request: get("/query?q=SELECT * FROM cpu"), status: 200,
			want: `{"results":[{"statement_id":0,"error":"database name required"}]}`,
		},
		{
			name: "unknown database", request: get("/query?db=none&q=SELECT * FROM cpu"), status: 200,
			want: `{"results":[{"statement_id":0,"error":"database not found: none"}]}`,
		},
		{
			name: "unknown retention policy", request: get("/query?db=ephor&rp=none&q=SELECT * FROM cpu"), status: 200,
			want: `{"results":[{"statement_id":0,"error":"retention policy not found: none"}]}`,
		},
		{
			name: "unknown measurement", request: get("/query?db=ephor&q=SELECT * FROM nothing"), status: 200,
			want: `{"results":[{"statement_id":0}]}`,
		},
		{
			name: "every type", request: get("/query?db=ephor&epoch=ms&q=SELECT * FROM cpu"), status: 200,
			want: `{"results":[{"statement_id":0,"series":[{"name":"cpu","columns":["time","cores","host","os","region","up","usage"],` +
				`"values":[[1000,4,"a","linux","eu",true,1.5],[2000,8,"b",null,"us",false,2.5],[3000,null,"a",null,"eu",null,3.5]]}]}]}`,
		},
		{
			name: "no epoch", request: get("/query?db=ephor&q=SELECT usage FROM cpu"), status: 200,
			want: `{"results":[{"statement_id":0,"series":[` + usageRFC3339 + `]}]}`,
		},
		{name: "epoch=ns", request: get("/query?db=ephor&epoch=ns&q=SELECT usage FROM cpu"), status: 200, want: usageNano},
		{name: "epoch=u", request: get("/query?db=ephor&epoch=u&q=SELECT usage FROM cpu"), status: 200, want: usageMicro},
		{
			name: "epoch=µ", request: get("/query?db=ephor&epoch=µ&q=SELECT usage FROM cpu"), status: 200, want: usageMicro,
			old: &oldAnswer{why: "documented, but 1.6 and 1.8 take it for an unknown unit", status: 200, body: usageNano},
		},
		{name: "epoch=m", request: get("/query?db=ephor&epoch=m&q=SELECT usage FROM cpu"), status: 200, want: usageZero},
		{name: "epoch=h", request: get("/query?db=ephor&epoch=h&q=SELECT usage FROM cpu"), status: 200, want: usageZero},
		{name: "unknown epoch", request: get("/query?db=ephor&epoch=y&q=SELECT usage FROM cpu"), status: 200, want: usageNano},
		{
			name:    "two statements",
			request: get("/query?db=ephor&q=SELECT usage FROM cpu;SELECT free FROM mem"), status: 200,
			want: `{"results":[{"statement_id":0,"series":[` + usageRFC3339 + `]},` +
				`{"statement_id":1,"series":[{"name":"mem","columns":["time","free"],"values":[["1970-01-01T00:00:01.000000001Z",10]]}]}]}`,
		},
		{
			name:    "the second of three fails",
			request: get("/query?db=ephor&q=SHOW DATABASES;SELECT bad(free) FROM mem;SHOW DATABASES"), status: 200,
			want: `{"results":[{"statement_id":0,` + databases + `},{"statement_id":1,"error":"undefined function bad()"}]}`,
			old: &oldAnswer{
				why: "its executor says \"not executed\" under the number of the statement that failed, over the reason; 1.8 too", status: 200,
				body: `{"results":[{"statement_id":0,` + databases + `},{"statement_id":1,"error":"not executed"}]}`,
			},
		},
		{
			name:    "group by a tag",
			request: get("/query?db=ephor&epoch=s&q=SELECT max(usage) FROM cpu GROUP BY host"), status: 200,
			want: `{"results":[{"statement_id":0,"series":[{"name":"cpu","tags":{"host":"a"},"columns":["time","max"],"values":[[3,3.5]]},` +
				`{"name":"cpu","tags":{"host":"b"},"columns":["time","max"],"values":[[2,2.5]]}]}]}`,
		},
		{
			name: "what Grafana posts",
			request: request{
				method: "POST", path: "/query?db=ephor&epoch=ms",
				form: `q=SELECT mean("usage") FROM "cpu" WHERE time >= 0ms and time <= 5000ms GROUP BY time(1s) fill(none)`,
			},
			status: 200,
			want:   `{"results":[{"statement_id":0,"series":[{"name":"cpu","columns":["time","mean"],"values":[[1000,1.5],[2000,2.5],[3000,3.5]]}]}]}`,
		},
		{
			name: "parameters", request: get(`/query?db=ephor&epoch=s&q=SELECT usage FROM cpu WHERE host=$h AND usage>$u&params={"h":"a","u":2.5}`),
			status: 200,
			want:   `{"results":[{"statement_id":0,"series":[{"name":"cpu","columns":["time","usage"],"values":[[3,3.5]]}]}]}`,
		},
		{
			name: "parameters that are no JSON", request: get("/query?db=ephor&q=SELECT usage FROM cpu&params={"), status: 400,
			want: `{"error":"error parsing query parameters: unexpected EOF"}`,
		},
		{
			name: "a parameter is missing", request: get("/query?db=ephor&q=SELECT usage FROM cpu WHERE host=$h"), status: 400,
			want: `{"error":"error parsing query: missing parameter: h"}`,
		},
		{
			name: "an integer that is none", request: get(`/query?db=ephor&q=SELECT usage FROM cpu&params={"n":1e3}`), status: 400,
			want: `{"error":"error parsing json value: strconv.ParseInt: parsing \"1e3\": invalid syntax"}`,
		},
		{name: "async", request: get("/query?db=ephor&async=true&q=SELECT * FROM cpu"), status: 204},
		{
			name: "a change by GET", request: get("/query?q=CREATE DATABASE other"), status: 400,
			want: `{"error":"'CREATE DATABASE other' changes the database: please use a POST request"}`,
			old: &oldAnswer{
				why: "1.6 and 1.8 warn and do it; a page anywhere on the web can have a browser send a GET", status: 200,
				body: `{"results":[{"statement_id":0,"messages":[{"level":"warning","text":"deprecated use of 'CREATE DATABASE other' ` +
					`in a read only context, please use a POST request instead"}]}]}`,
			},
		},
		{
			name: "a change by POST", request: request{method: "POST", path: "/query", form: `q=CREATE DATABASE other;DROP DATABASE other`},
			status: 200, want: `{"results":[{"statement_id":0},{"statement_id":1}]}`,
		},
		{
			name:    "SELECT INTO",
			request: request{method: "POST", path: "/query?db=ephor&epoch=s", form: "q=SELECT usage*2 AS v INTO doubled FROM cpu"}, status: 200,
			want:   `{"results":[{"statement_id":0,"series":[{"name":"result","columns":["time","written"],"values":[[0,3]]}]}]}`,
			stored: "SELECT v FROM doubled", values: "[1000000000,3] [2000000000,5] [3000000000,7]",
		},
	}
}
