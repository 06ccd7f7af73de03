package monitor

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestParametersAreHarmless: values stand between single quotes in a script that root runs, so none may hold anything but the
// letters of what it says; the patterns are tried with what each parameter takes and does not.
func TestParametersAreHarmless(t *testing.T) {
	t.Parallel()
	cases := map[string]struct{ good, bad []string }{
		paramInstanceType: {[]string{"t4g.small", "m7g.large"}, []string{"t3.small", "t4g"}},
		ParamImage:        {nil, nil}, // CloudFormation looks it up; it does not get to the host
		ParamKeepImage:    {[]string{"", "ami-0123456789abcdef0"}, []string{"ami-", "ami-G", "i-0a"}},
		paramVolume:       {[]string{"8", "20", "9999"}, []string{"7", "0", "10000", "020", "-8"}},
		paramZone:         {[]string{"", "eu-central-1a", "us-gov-west-1b"}, []string{"eu-central-1", "EU-central-1a"}},
		paramInfluxDB:     {[]string{"1.13.1-1", "1:1.6.7~rc0-1+b5"}, []string{"", "latest", "-1", "1.*"}},
		paramGrafana:      {[]string{"13.2.3"}, []string{"", "latest", "13/2"}},
		paramRawDays:      {[]string{"1", "7", "9999"}, []string{"", "0", "01", "10000", "-1"}},
		paramRollupDays:   {[]string{"7", "9", "10", "90", "9999"}, []string{"", "0", "1", "6", "07", "10000"}},
		ParamBackupDays:   {[]string{"0", "7", "9999"}, []string{"", "00", "07", "10000"}},
		paramRestoreFrom:  {[]string{"", "hello-monitoring-backupbucket-1a2b3c"}, []string{"*", "x*", "a.b", "A-B", "-ab", "ab-"}},
		ParamAllowed:      {[]string{"203.0.113.7/32", "10.0.0.0/8"}, []string{"0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "8.0.0.0/7", ""}},
		ParamWriters:      {[]string{"203.0.113.7/32", "10.0.0.0/8", "0.0.0.0/0"}, []string{"0.0.0.0/1", "128.0.0.0/1", "8.0.0.0/7", ""}},
	}
	all := parameters()
	if diff := cmp.Diff(slices.Sorted(maps.Keys(all)), slices.Sorted(maps.Keys(cases))); diff != "" {
		t.Fatalf("parameters (-template +cases):\n%s", diff)
	}
	for name, c := range cases {
		p := all[name]
		if p.Type != "String" {
			if slices.Contains(booted(), name) {
				t.Errorf("%s gets to the host and is a %s", name, p.Type)
			}
			continue
		}
		if !strings.HasPrefix(p.AllowedPattern, "^") || !strings.HasSuffix(p.AllowedPattern, "$") || p.ConstraintDescription == "" {
			t.Errorf("%s: the pattern %s is not of the whole value, or nobody says what it wants: %q", name, p.AllowedPattern, p.ConstraintDescription)
		}
		pattern := regexp.MustCompile(p.AllowedPattern)
		f := func(value string, want bool) {
			t.Helper()
			if pattern.MatchString(value) != want {
				t.Errorf("%s=%q: allowed is %v, want %v", name, value, !want, want)
			}
		}
		f(fmt.Sprint(p.Default), true)
		for _, good := range c.good {
			f(good, true)
			for _, harm := range []string{"'", `"`, " ", "\n", "\t", "\r", "\x00", "$", "`", ";", "&", "|", "<", ">", "(", ")", "{", "}", `\`, "!", "#", "*", "?", "'; reboot; '"} {
				f(harm+good, false)
				f(good+harm, false)
				f(good[:len(good)/2]+harm+good[len(good)/2:], false)
			}
		}
		for _, bad := range c.bad {
			f(bad, false)
		}
	}
}

// TestRetentionIsLongerThanAShard: InfluxDB refuses a retention policy that is shorter than one of its shards, and the host does
// not come up then.
func TestRetentionIsLongerThanAShard(t *testing.T) {
	t.Parallel()
	shard := func(text string) time.Duration {
		if days, ok := strings.CutSuffix(text, "d"); ok {
			n, err := strconv.Atoi(days)
			if err != nil {
				t.Fatal(err)
			}
			return time.Duration(n) * 24 * time.Hour
		}
		d, err := time.ParseDuration(text)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	shards := map[string][]string{paramRawDays: {RawShard}, paramRollupDays: nil}
	for _, p := range policies("90d") {
		if p.keeps != "INF" {
			shards[paramRollupDays] = append(shards[paramRollupDays], p.shard)
		}
	}
	for name, all := range shards {
		pattern, taken := regexp.MustCompile(parameters()[name].AllowedPattern), 0
		for n := range 20000 {
			if !pattern.MatchString(strconv.Itoa(n)) {
				continue
			}
			taken++
			for _, s := range all {
				if time.Duration(n)*24*time.Hour < shard(s) {
					t.Errorf("%s=%d is taken, and a shard is %s", name, n, s)
				}
			}
		}
		if taken < 9993 || len(all) == 0 {
			t.Errorf("%s takes %d values, for %v", name, taken, all)
		}
	}
}
