package influx

const usageCSV = "name,tags,time,usage\ncpu,,1000000000,1.5\ncpu,,2000000000,2.5\ncpu,,3000000000,3.5\n"

func accept(mediaType, path string) request {
	return request{path: path, header: map[string]string{"Accept": mediaType}}
}

func formatCases() []conformanceCase {
	return []conformanceCase{
		{name: "csv", request: accept("application/csv", "/query?db=ephor&q=SELECT usage FROM cpu"), status: 200, want: usageCSV},
		{
			name: "csv of groups and two statements",
			request: accept("text/csv",
				"/query?db=ephor&q=SELECT usage,os FROM cpu GROUP BY host,region;SELECT free FROM mem"),
			status: 200,
			want: "name,tags,time,usage,os\n" +
				"cpu,\"host=a,region=eu\",1000000000,1.5,linux\ncpu,\"host=a,region=eu\",3000000000,3.5,\ncpu,\"host=b,region=us\",2000000000,2.5,\n\n" +
				"name,tags,time,free\nmem,,1000000001,10\n",
		},
		{name: "csv of nothing", request: accept("text/csv", "/query?db=ephor&q=SELECT * FROM nothing"), status: 200},
		{
			name: "csv in chunks", request: accept("application/csv", "/query?db=ephor&chunked=true&chunk_size=1&q=SELECT usage FROM cpu"),
			status: 200, want: usageCSV,
		},
		{
			name:    "the heavier of two formats",
			request: accept("application/json;q=0.5, text/csv;q=0.9", "/query?db=ephor&epoch=ns&q=SELECT usage FROM cpu"), status: 200,
			want: usageCSV,
			old:  &oldAnswer{why: "1.6 compares the header as a whole", status: 200, body: usageNano},
		},
		{
			name:    "a format that there is not",
			request: accept("image/png", "/query?db=ephor&epoch=ns&q=SELECT usage FROM cpu"), status: 200, want: usageNano,
		},
		{
			name:    "any format",
			request: accept("*/*", "/query?db=ephor&epoch=ns&q=SELECT usage FROM cpu"), status: 200, want: usageNano,
		},
		{
			name: "msgpack", request: accept("application/x-msgpack", "/query?db=ephor&q=SELECT * FROM cpu GROUP BY host"), status: 200,
			want: "\x81\xa7results\x91\x82\xacstatement_id\x00\xa6series\x92" +
				"\x84\xa4name\xa3cpu\xa4tags\x81\xa4host\xa1a\xa7columns\x96\xa4time\xa5cores\xa2os\xa6region\xa2up\xa5usage\xa6values\x92" +
				"\x96\xc7\f\x05\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x04\xa5linux\xa2eu\xc3\xcb?\xf8\x00\x00\x00\x00\x00\x00" +
				"\x96\xc7\f\x05\x00\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x00\xc0\xc0\xa2eu\xc0\xcb@\f\x00\x00\x00\x00\x00\x00" +
				"\x84\xa4name\xa3cpu\xa4tags\x81\xa4host\xa1b\xa7columns\x96\xa4time\xa5cores\xa2os\xa6region\xa2up\xa5usage\xa6values\x91" +
				"\x96\xc7\f\x05\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\x00\b\xc0\xa2us\xc2\xcb@\x04\x00\x00\x00\x00\x00\x00",
		},
		{
			name:    "pretty",
			request: get("/query?pretty=true&q=SHOW DATABASES"), status: 200,
			want: `{
    "results": [
        {
            "statement_id": 0,
            "series": [
                {
                    "name": "databases",
                    "columns": [
                        "name"
                    ],
                    "values": [
                        [
                            "ephor"
                        ]
                    ]
                }
            ]
        }
    ]
}`,
		},
		{
			name: "chunks", request: get("/query?db=ephor&chunked=true&chunk_size=2&epoch=s&q=SELECT usage FROM cpu;SHOW DATABASES"), status: 200,
			want: `{"results":[{"statement_id":0,"series":[{"name":"cpu","columns":["time","usage"],"values":[[1,1.5],[2,2.5]],"partial":true}],"partial":true}]}` + "\n" +
				`{"results":[{"statement_id":0,"series":[{"name":"cpu","columns":["time","usage"],"values":[[3,3.5]]}]}]}` + "\n" +
				`{"results":[{"statement_id":1,` + databases + `}]}` + "\n",
		},
		{
			name: "a chunk for each series", request: get("/query?db=ephor&chunked=true&epoch=s&q=SELECT usage FROM cpu GROUP BY host"), status: 200,
			want: `{"results":[{"statement_id":0,"series":[{"name":"cpu","tags":{"host":"a"},"columns":["time","usage"],"values":[[1,1.5],[3,3.5]]}],"partial":true}]}` + "\n" +
				`{"results":[{"statement_id":0,"series":[{"name":"cpu","tags":{"host":"b"},"columns":["time","usage"],"values":[[2,2.5]]}]}]}` + "\n",
		},
		{
			name: "gzip",
			request: request{
				path: "/query?db=ephor&epoch=ns&q=SELECT usage FROM cpu", header: map[string]string{"Accept-Encoding": "gzip"},
			},
			status: 200, want: usageNano,
		},
		{
			name: "gzip of chunks",
			request: request{
				path:   "/query?db=ephor&epoch=ns&chunked=true&q=SELECT usage FROM cpu;SHOW DATABASES",
				header: map[string]string{"Accept-Encoding": "gzip"},
			},
			status: 200, want: usageNano + "\n" + `{"results":[{"statement_id":1,` + databases + `}]}` + "\n",
		},
		{
			name:    "a query with characters of HTML",
			request: get("/query?db=ephor&q=SELECT usage FROM cpu WHERE host='<'"), status: 200, want: `{"results":[{"statement_id":0}]}`,
		},
		{
			name: "SHOW MEASUREMENTS", request: get("/query?db=ephor&q=SHOW MEASUREMENTS"), status: 200,
			want: `{"results":[{"statement_id":0,"series":[{"name":"measurements","columns":["name"],"values":[["cpu"],["mem"]]}]}]}`,
		},
		{
			name: "SHOW TAG KEYS", request: get("/query?db=ephor&q=SHOW TAG KEYS FROM cpu"), status: 200,
			want: `{"results":[{"statement_id":0,"series":[{"name":"cpu","columns":["tagKey"],"values":[["host"],["region"]]}]}]}`,
		},
		{
			name: "SHOW TAG VALUES", request: get(`/query?db=ephor&q=SHOW TAG VALUES FROM "cpu" WITH KEY = "host"`), status: 200,
			want: `{"results":[{"statement_id":0,"series":[{"name":"cpu","columns":["key","value"],"values":[["host","a"],["host","b"]]}]}]}`,
		},
		{
			name: "SHOW FIELD KEYS", request: get("/query?db=ephor&q=SHOW FIELD KEYS FROM cpu"), status: 200,
			want: `{"results":[{"statement_id":0,"series":[{"name":"cpu","columns":["fieldKey","fieldType"],` +
				`"values":[["cores","integer"],["os","string"],["up","boolean"],["usage","float"]]}]}]}`,
		},
		{
			name: "SHOW RETENTION POLICIES", request: get(`/query?q=SHOW RETENTION POLICIES on "ephor"`), status: 200,
			want: `{"results":[{"statement_id":0,"series":[{"columns":["name","duration","shardGroupDuration","replicaN","default"],` +
				`"values":[["autogen","0s","168h0m0s",1,true]]}]}]}`,
		},
		{
			name: "SHOW SERIES", request: get("/query?db=ephor&q=SHOW SERIES"), status: 200,
			want: `{"results":[{"statement_id":0,"series":[{"columns":["key"],"values":[["cpu,host=a,region=eu"],["cpu,host=b,region=us"],["mem,host=a"]]}]}]}`,
		},
	}
}
