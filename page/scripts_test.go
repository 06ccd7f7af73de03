package page

// scripts are calls of the page's modules, by file, and what they give as JSON.
var scripts = map[string][]struct{ call, want string }{
	"units.js": {
		{`m.format(0, "short")`, `"0"`},
		{`m.format(999, "short")`, `"999"`},
		{`m.format(1234, "short")`, `"1.23 K"`},
		{`m.format(1234567, "short")`, `"1.23 M"`},
		{`m.format(-0.5, "short")`, `"−0.5"`},
		{`m.format(0.1 + 0.2, "short")`, `"0.3"`},
		{`m.format(12.3456, "ms")`, `"12.3 ms"`},
		{`m.format(0.0189, "ms")`, `"18.9 µs"`},
		{`m.format(1500, "ms")`, `"1.5 s"`},
		{`m.format(90, "s")`, `"1.5 min"`},
		{`m.format(0, "ms")`, `"0 ms"`},
		{`m.format(1536, "bytes")`, `"1.5 KiB"`},
		{`m.format(1500, "decbytes")`, `"1.5 kB"`},
		{`m.format(64, "mbytes")`, `"64 MiB"`},
		{`m.format(0.1234, "percentunit")`, `"12.3%"`},
		{`m.format(42, "reqps")`, `"42/s"`},
		{`m.format(1500, "reqps")`, `"1.5 K/s"`},
		{`m.format(3, "widgets")`, `"3 widgets"`},
		{`m.format(null, "ms")`, `"–"`},
		{`m.format(Infinity, "ms")`, `"∞"`},
		// On an axis: one name for all, and no more decimals than tell the numbers apart.
		{`[0, 500, 1000].map(v => m.format(v, "ms", 500, 1000))`, `["0 s","0.5 s","1 s"]`},
		{`[0, 500, 1000].map(v => m.format(v, "short", 500, 1000))`, `["0","500","1 K"]`},
		{`[0, 1048576].map(v => m.format(v, "bytes", 1048576, 1048576))`, `["0 MiB","1 MiB"]`},
		{`m.exact(123456, "short")`, `["123,456",""]`},
		{`m.exact(1234567, "short")`, `["1.23","M"]`},
		{`[m.binary("mbytes"), m.binary("decbytes"), m.binary(undefined)]`, `[1048576,0,0]`},
	},
	"influxql.js": {
		{`[m.duration("15m"), m.duration("24h"), m.duration("500ms"), m.duration("x"), m.duration(null)]`, `[900000,86400000,500,0,0]`},
		{`[m.interval(300e3, 600, 1000), m.interval(300e3, 150, 1000), m.interval(86400e3, 600, 1000), m.interval(1e15, 1, 1)]`, `[1000,2000,300000,1000000080000000]`},
		{`[1000, 60e3, 90e3, 3600e3, 500].map(m.spell)`, `["1s","1m","90s","1h","500ms"]`},
		{`m.complete("a $timeFilter $__interval_ms $__interval ${__from} $__to $other", { from: 1, to: 2, step: 5000 })`,
			`"a time >= 1ms AND time <= 2ms 5000 5s 1 2 $other"`},
		{`m.shape('SELECT count("a") FROM "b" WHERE time > 1ms GROUP BY time(5s), "instance" fill(0)')`, `{"step":5000,"apart":true,"zero":true,"early":true}`},
		{`m.shape('SELECT last("a") FROM "b" GROUP BY "instance", time(1m) fill(none)')`, `{"step":60000,"apart":true,"zero":false,"early":false}`},
		{`m.shape('SELECT count("n") FROM (SELECT count("a") AS "n" FROM "b" GROUP BY time(1s), "i" fill(none)) WHERE x GROUP BY time(10s) fill(0)')`,
			`{"step":10000,"apart":true,"zero":true,"early":true}`},
		{`m.shape('SELECT max("n") FROM (SELECT count("a") AS "n" FROM "b" GROUP BY time(1s) fill(0))')`, `{"step":0,"apart":false,"zero":false,"early":false}`},
		{`m.shape('SELECT non_negative_difference(max("a")) FROM "b" GROUP BY time(1s)').apart`, `false`},
		{`m.shape('SELECT max("a") FROM "b" GROUP BY time(1s) fill(previous)').apart`, `false`},
		{`m.shape('SELECT max("a") FROM "b" GROUP BY time(1s) LIMIT 3').apart`, `false`},
		{`m.shape('SELECT max("derivative(") FROM "b (select" GROUP BY time(1s)').step`, `1000`},
		{`m.label("", { name: "cpu", tags: { a: "1", b: "2" }, column: "max" })`, `"cpu.max {a: 1, b: 2}"`},
		{`m.label("$tag_a of [[tag_b]] $col $m $measurement $1 $x", { name: "cpu.load", tags: { a: "1", b: "2" }, column: "max" })`, `"1 of 2 max cpu.load cpu.load load $x"`},
		{`m.label("$tag_none", { name: "cpu", tags: {}, column: "max" })`, `""`},
		{`m.short("2026/11/22/[$LATEST]0123456789abcdef0123456789abcdef")`, `"01234567"`},
		{`m.short("2026/11/22/[7]0123456789abcdef0123456789abcdef")`, `"01234567 v7"`},
		{`m.short("x".repeat(60)).length`, `37`},
	},
	"marks.js": {
		{`m.events({ name: "Deploys", target: { textColumn: "text" } }, [{ columns: ["time", "stack", "text"], values: [[1, "Shop", "v1"], [2, "Shop", null]] }])`,
			`[{"time":1,"name":"Deploys","text":"v1"},{"time":2,"name":"Deploys","text":""}]`},
		{`m.events({ target: {} }, [{ columns: ["time", "what"], values: [[1, 7]] }])`, `[{"time":1,"name":"","text":"7"}]`},
		{`new m.Marks([{ enable: false, datasource: { type: "influxdb" }, target: { query: "a" } }, { datasource: { type: "grafana" }, target: { query: "a" } },
			{ datasource: { type: "influxdb" } }, { datasource: { type: "influxdb" }, target: { query: "b" } }]).asks.length`, `1`},
		{`new m.Marks(undefined).asks`, `[]`},
	},
	"frame.js": {
		// The grid of 5 s is read whole, then shifted by two and read from 10 s before its end on.
		{`(() => {
			const f = new m.Frame({ refId: "A", query: 'SELECT count("a") FROM "b" WHERE $timeFilter GROUP BY time($__interval), "i" fill(none)', alias: "$tag_i" });
			const row = (i, ...values) => ({ name: "b", tags: { i }, columns: ["time", "count"], values });
			const one = f.plan({ from: 100e3, to: 131e3, step: 5000 }, false);
			f.absorb(one, [row("x", [100e3, 1], [125e3, 2], [130e3, 3]), row("y", [100e3, 7])]);
			const two = f.plan({ from: 110e3, to: 141e3, step: 5000 }, false);
			f.absorb(two, [row("x", [125e3, 4], [140e3, 5])]);
			const [times, series] = f.table();
			return [one.whole, one.since, two.whole, two.since, times[0], times.length, series.map(s => [s.name, s.values])];
		})()`, `[true,100000,false,120000,110000,7,[["x",[null,null,null,4,null,null,5]]]]`},
		// A long range is answered by the last rollup that it is longer than, under its own name.
		{`(() => {
			const f = new m.Frame({ refId: "A", query: "raw $timeFilter", alias: "$tag_i", rollups: [
				{ over: 900e3, least: "20s", query: "ten $timeFilter", alias: "$tag_f" }, { over: 3600e3, least: "1m", query: "minute $timeFilter", alias: "$tag_f" }] });
			const of = (span) => f.plan({ from: 0, to: span, step: 5000 }, true).statement.split(" ")[0] + " " + f.alias;
			return [of(900e3), of(901e3), of(3601e3), f.over(901e3).least];
		})()`, `["raw $tag_i","ten $tag_f","minute $tag_f","20s"]`},
		// Where intervals without points are 0, what is not answered is 0.
		{`(() => {
			const f = new m.Frame({ refId: "A", query: 'SELECT count("a") FROM "b" WHERE $timeFilter GROUP BY time($__interval) fill(0)', alias: "n" });
			f.absorb(f.plan({ from: 0, to: 20e3, step: 5000 }, true), [{ name: "b", columns: ["time", "count"], values: [[0, 1], [5000, 2]] }]);
			f.absorb(f.plan({ from: 5e3, to: 25e3, step: 5000 }, false), []);
			return f.table()[1][0].values;
		})()`, `[2,0,0,0,0]`},
		// What depends on other intervals is always read whole.
		{`(() => {
			const f = new m.Frame({ refId: "A", query: 'SELECT difference(max("a")) FROM "b" WHERE $timeFilter GROUP BY time($__interval)' });
			f.absorb(f.plan({ from: 0, to: 20e3, step: 5000 }, true), []);
			return f.plan({ from: 5e3, to: 25e3, step: 5000 }, false).whole;
		})()`, `true`},
		// A page that slept longer than its range asks for all of it.
		{`(() => {
			const f = new m.Frame({ refId: "A", query: 'SELECT max("a") FROM "b" WHERE $timeFilter GROUP BY time($__interval)' });
			f.absorb(f.plan({ from: 0, to: 60e3, step: 5000 }, true), []);
			return f.plan({ from: 600e3, to: 660e3, step: 5000 }, false).whole;
		})()`, `true`},
		// Points without a grid come out at the times they have.
		{`(() => {
			const f = new m.Frame({ refId: "A", query: 'SELECT "a" FROM "b" WHERE $timeFilter' });
			f.absorb(f.plan({ from: 0, to: 20e3, step: 5000 }, true), [
				{ name: "b", tags: { i: "x" }, columns: ["time", "a", "text"], values: [[3, 1, "s"], [9, 2, "s"]] },
				{ name: "b", tags: { i: "y" }, columns: ["time", "a"], values: [[3, 5]] }]);
			const [times, series] = f.table();
			return [times, series.map(s => [s.name, s.values])];
		})()`, `[[3,9],[["b.a {i: x}",[1,2]],["b.a {i: y}",[5,null]]]]`},
		{`m.join([[[1, 2], [{ key: "a", values: [1, 2] }]], [[2, 3], [{ key: "b", values: [8, 9] }]]])`,
			`[[1,2,3],[{"key":"a","values":[1,2,null]},{"key":"b","values":[null,8,9]}]]`},
		{`m.join([[[1, 2], [{ values: [1, 2] }]], [[1, 2], [{ values: [3, 4] }]]])`, `[[1,2],[{"values":[1,2]},{"values":[3,4]}]]`},
	},
	"palette.js": {
		{`(() => { const p = new m.Palette(); return [p.of("instance", "a", "light"), p.of("function", "f", "light"), p.of("instance", "b", "light"), p.of("instance", "a", "light") === p.of("instance", "a", "light")] })()`,
			`["#0b6bb0","#0b6bb0","#d98c00",true]`},
		{`(() => { const p = new m.Palette(); const all = []; for (let i = 0; i < 24; i++) all.push(p.of("", "s" + i, "dark")); return new Set(all).size })()`, `24`},
		{`["red", "dark-red", "#123456", "javascript:1"].map(c => new m.Palette().fixed(c, "light"))`, `["#c8480b","#c8480b","#123456","#0b6bb0"]`},
		{`m.fade("#0b6bb0", 0.5)`, `"#0b6bb080"`},
	},
	"paths.js": {
		{`m.pile([[1, null, 3], [null, 2, 4]], 3)`, `[[1,0,3],[1,2,7]]`},
		{`m.lonely(0)({ data: [[0, 1, 2, 3, 4, 5], [1, null, 2, 3, null, 4]] }, 1)`, `[0,5]`},
		{`m.lonely(0)({ data: [[0, 1], [1, 2]] }, 1)`, `null`},
		{`m.lonely(30)({ data: [[0, 10, 20, 60, 70], [1, null, 2, null, 3]] }, 1)`, `[4]`},
	},
	"range.js": {
		{`(() => { const r = new m.Range({ from: "now-5m", to: "now" }, ""); return [r.at(1e6), r.search(), r.name] })()`, `[{"from":700000,"to":1000000},"?from=now-5m&to=now","5m"]`},
		{`(() => { const r = new m.Range(undefined, "?from=1000&to=2000"); return [r.at(1e6), r.search(), r.name] })()`, `[{"from":1000,"to":2000},"?from=1000&to=2000",null]`},
		{`new m.Range(undefined, "?from=2000&to=1000").search()`, `"?from=now-5m&to=now"`},
		{`new m.Range(undefined, "?from=now-x&to=now").search()`, `"?from=now-5m&to=now"`},
	},
}
