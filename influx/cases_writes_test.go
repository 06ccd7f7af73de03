package influx

func post(path, body string) request { return request{method: "POST", path: path, body: body} }

func writeCases() []conformanceCase {
	const (
		noBucket = `{"error":"bucket name \"\" is missing a slash; not in \"database/retention-policy\" format"}`
		conflict = `{"error":"partial write: field type conflict: input field \"v\" on measurement \"typed\" is type string, already exists as type float dropped=1"}`
	)
	v2 := func() *oldAnswer { return &oldAnswer{why: "/api/v2/write came with 1.8", status: 404, body: notFound} }
	return []conformanceCase{
		{name: "no database", request: post("/write", "x v=1"), status: 400, want: `{"error":"database is required"}`},
		{name: "unknown database", request: post("/write?db=none", "x v=1"), status: 404, want: `{"error":"database not found: \"none\""}`},
		{
			name: "unknown retention policy", request: post("/write?db=ephor&rp=none", "x v=1"), status: 500,
			want: `{"error":"retention policy not found: none"}`,
		},
		{name: "empty", request: post("/write?db=ephor", ""), status: 204},
		{name: "a comment", request: post("/write?db=ephor", "\n# nothing\n"), status: 204},
		{name: "does not parse", request: post("/write?db=ephor", "x"), status: 400, want: `{"error":"unable to parse 'x': missing fields"}`},
		{
			name: "some do not parse", request: post("/write?db=ephor", "some v=1 1\ny\nsome v=2 2"), status: 400,
			want:   `{"error":"partial write: unable to parse 'y': missing fields dropped=0"}`,
			stored: "SELECT v FROM some", values: "[1,1] [2,2]",
		},
		{name: "a float", request: post("/write?db=ephor", "typed v=1 1"), status: 204},
		{
			name: "another type", request: post("/write?db=ephor", "typed v=\"s\" 2\ntyped w=1 3"), status: 400, want: conflict,
			stored: "SELECT * FROM typed", values: "[1,1,null] [3,null,1]",
		},
		{
			name: "the same point again", request: post("/write?db=ephor", "again v=1,w=1 1\nagain v=2 1"), status: 204,
			stored: "SELECT * FROM again", values: "[1,2,1]",
		},
		{name: "precision=n", request: post("/write?db=ephor&precision=n", "n v=1 5"), status: 204, stored: "SELECT v FROM n", values: "[5,1]"},
		{name: "precision=ns", request: post("/write?db=ephor&precision=ns", "ns v=1 5"), status: 204, stored: "SELECT v FROM ns", values: "[5,1]"},
		{name: "precision=u", request: post("/write?db=ephor&precision=u", "u v=1 5"), status: 204, stored: "SELECT v FROM u", values: "[5000,1]"},
		{
			name: "precision=µ", request: post("/write?db=ephor&precision=µ", "mu v=1 5"), status: 204, stored: "SELECT v FROM mu", values: "[5000,1]",
			old: &oldAnswer{why: "1.6 takes it for nanoseconds, 1.8 refuses it and stores nanoseconds", status: 204, values: "[5,1]"},
		},
		{name: "precision=ms", request: post("/write?db=ephor&precision=ms", "ms v=1 5"), status: 204, stored: "SELECT v FROM ms", values: "[5000000,1]"},
		{name: "precision=s", request: post("/write?db=ephor&precision=s", "s v=1 5"), status: 204, stored: "SELECT v FROM s", values: "[5000000000,1]"},
		{name: "precision=m", request: post("/write?db=ephor&precision=m", "m v=1 5"), status: 204, stored: "SELECT v FROM m", values: "[300000000000,1]"},
		{name: "precision=h", request: post("/write?db=ephor&precision=h", "h v=1 5"), status: 204, stored: "SELECT v FROM h", values: "[18000000000000,1]"},
		{
			name: "unknown precision", request: post("/write?db=ephor&precision=y", "y v=1 5"), status: 400,
			want:   `{"error":"invalid precision \"y\" (use n, u, ms, s, m or h)"}`,
			stored: "SELECT v FROM y",
			old:    &oldAnswer{why: "1.6 takes it for nanoseconds; 1.8 refuses it, and stores the point all the same", status: 204, values: "[5,1]"},
		},
		{
			name: "unknown consistency", request: post("/write?db=ephor&consistency=bad", "x v=1 1"), status: 400,
			want: `{"error":"invalid consistency level"}`,
		},
		{
			name: "gzip",
			request: request{
				method: "POST", path: "/write?db=ephor", body: gzipped("zipped v=1 5"),
				header: map[string]string{"Content-Encoding": "gzip"},
			},
			status: 204, stored: "SELECT v FROM zipped", values: "[5,1]",
		},
		{
			name: "not gzip",
			request: request{
				method: "POST", path: "/write?db=ephor", body: "plain v=1 5 and long enough for a header",
				header: map[string]string{"Content-Encoding": "gzip"},
			},
			status: 400, want: `{"error":"gzip: invalid header"}`,
		},
		{
			name: "a bucket", request: post("/api/v2/write?org=any&bucket=ephor", "v2 v=1 5"), status: 204,
			stored: "SELECT v FROM ephor..v2", values: "[5,1]", old: v2(),
		},
		{
			name: "a bucket with its retention policy", request: post("/api/v2/write?bucket=ephor/autogen&precision=us", "v2rp v=1 5"), status: 204,
			stored: "SELECT v FROM ephor.autogen.v2rp", values: "[5000,1]", old: v2(),
		},
		{name: "no bucket", request: post("/api/v2/write", "x v=1"), status: 404, want: noBucket, old: v2()},
		{
			name: "an empty bucket", request: post("/api/v2/write?bucket=/autogen", "x v=1"), status: 404,
			want: `{"error":"bucket name \"/autogen\" is in db/rp form but has an empty database"}`, old: v2(),
		},
		{
			name: "an unknown bucket", request: post("/api/v2/write?bucket=none/autogen", "x v=1"), status: 404,
			want: `{"error":"database not found: \"none\""}`, old: v2(),
		},
		{
			name: "a precision of 1.x", request: post("/api/v2/write?bucket=ephor&precision=n", "x v=1"), status: 400,
			want: `{"error":"invalid precision \"n\" (use ns, us, ms or s)"}`, old: v2(),
		},
	}
}
