use crate::on;
use serde_json::Value;
use std::cell::RefCell;
use std::rc::Rc;
use tidegate_sdk::prelude::*;
use tidegate_sdk::testing::{Reply, TestHost};

/// The items that paging yields, or the message of the error that ends it.
fn collect(
    host: TestHost,
    request: impl Fn(&Run) -> Request + 'static,
    paging: Paging,
) -> (Vec<u64>, Option<String>, TestHost) {
    let seen = Rc::new(RefCell::new((Vec::new(), None)));
    let out = seen.clone();
    let host = on(host, move |run| {
        for page in request(run).paginate::<u64>(paging.clone()) {
            match page {
                Ok(items) => out.borrow_mut().0.extend(items),
                Err(error) => out.borrow_mut().1 = Some(error.message().to_owned()),
            }
        }
        Ok(())
    });
    let (items, error) = seen.take();
    (items, error, host)
}

fn list(run: &Run) -> Request {
    run.get("/list").query("limit", 2)
}

/// The query parameter that each request had.
fn asked(host: &TestHost, param: &str) -> Vec<Option<String>> {
    host.sent()
        .iter()
        .map(|sent| sent.param(param).map(str::to_owned))
        .collect()
}

#[test]
fn a_cursor_is_followed_until_the_provider_says_so() {
    // Every way in which providers say "no more".
    for end in [
        json!({}),
        json!({"page": {"next": null}}),
        json!({"page": {"next": ""}}),
        json!({"page": {"next": false}}),
        json!({"page": null}),
    ] {
        let mut last = end.clone();
        last["data"] = json!({"rows": [3]});
        let host = TestHost::new()
            .reply(
                "/list?limit=2",
                Reply::json(json!({"data": {"rows": [1, 2]}, "page": {"next": "a b&c"}})),
            )
            .reply(
                "/list?limit=2&cursor=a%20b%26c",
                Reply::json(json!({"data": {"rows": []}, "page": {"next": 7}})),
            )
            .reply("/list?limit=2&cursor=7", Reply::json(last));
        let (items, error, host) = collect(
            host,
            list,
            Paging::cursor("cursor", "page.next").items_at("data.rows"),
        );
        assert_eq!(
            (items, error),
            (vec![1, 2, 3], None),
            "an empty page is no end, {end} is"
        );
        assert_eq!(
            asked(&host, "cursor"),
            [None, Some("a b&c".into()), Some("7".into())]
        );
    }
}

#[test]
fn links_are_followed_in_the_header_and_in_the_body() {
    let host = TestHost::new()
        .reply("/list?limit=2", Reply::json([1, 2]).header("Link", r#"<https://provider.test/list?p=9>; rel="last", <https://provider.test/list?p=2&x=a,b>; title="x"; rel="next""#))
        .reply("/list?p=2&x=a,b", Reply::json([3]).header("link", r#"</list?p=3>; rel=next"#))
        .reply("/list?p=3", Reply::json(json!([])).header("link", r#"<https://provider.test/list>; rel="first""#));
    let (items, error, host) = collect(host, list, Paging::link());
    assert_eq!((items, error), (vec![1, 2, 3], None));
    assert_eq!(
        asked(&host, "limit"),
        [Some("2".into()), None, None],
        "a link carries its own query"
    );

    let host = TestHost::new()
        .reply(
            "/list",
            Reply::json(
                json!({"items": [1], "paging": {"next": "https://provider.test/list?after=1"}}),
            ),
        )
        .reply(
            "/list?after=1",
            Reply::json(json!({"items": [2], "paging": {"next": null}})),
        );
    let (items, error, _) = collect(host, list, Paging::link_at("paging.next").items_at("items"));
    assert_eq!((items, error), (vec![1, 2], None));
}

/// A provider with the items 0 to 6 that gives at most 3, whatever it is asked for.
fn numbered(param: &'static str, place: impl Fn(usize) -> usize + 'static) -> TestHost {
    TestHost::new().serve(move |sent| {
        let at = sent
            .param(param)
            .map(|at| at.parse().unwrap())
            .or_else(|| sent.json()[param].as_u64().map(|at| at as usize));
        let items: Vec<usize> = (0..7).skip(place(at.unwrap())).take(3).collect();
        Reply::json(json!({ "items": items }))
    })
}

#[test]
fn offsets_count_what_came_and_pages_count_themselves() {
    let all: Vec<u64> = (0..7).collect();
    // It was asked for 100 and gave 3: a step of 100 would leave most of them out.
    let request = |run: &Run| run.get("/list").query("limit", 100);
    let (items, error, host) = collect(
        numbered("skip", |at| at),
        request,
        Paging::offset("skip").items_at("items"),
    );
    assert_eq!((items, error), (all.clone(), None));
    assert_eq!(
        asked(&host, "skip"),
        ["0", "3", "6", "7"].map(|at| Some(at.to_owned()))
    );

    let (items, _, host) = collect(
        numbered("page", |at| (at - 1) * 3),
        request,
        Paging::page("page").items_at("items"),
    );
    assert_eq!((items, host.sent().len()), (all.clone(), 4));
    let from_zero = Paging::page("page")
        .starting_at(0)
        .items_at("items")
        .short_page_is_last(3);
    let (items, _, host) = collect(numbered("page", |at| at * 3), request, from_zero);
    assert_eq!(
        (items, host.sent().len()),
        (all.clone(), 3),
        "no request for an empty page"
    );

    let post = |run: &Run| run.post("/search").json(&json!({"filter": "all"}));
    let (items, _, host) = collect(
        numbered("skip", |at| at),
        post,
        Paging::offset("skip").in_body().items_at("items"),
    );
    assert_eq!(items, all);
    assert_eq!(host.sent()[1].json(), json!({"filter": "all", "skip": 3}));
}

#[test]
fn a_provider_that_repeats_itself_is_an_error_and_never_an_end() {
    let endless = json!({"items": [1], "next": "same"});
    let host = || TestHost::new().reply("/list", Reply::json(&endless));
    let page = TestHost::new().reply("/list", Reply::json([1, 2]));
    let circle = TestHost::new()
        .reply(
            "/list",
            Reply::json(json!({"items": [1], "next": "/list?at=2"})),
        )
        .reply(
            "/list?at=2",
            Reply::json(json!({"items": [2], "next": "/list?at=3"})),
        )
        .reply(
            "/list?at=3",
            Reply::json(json!({"items": [3], "next": "/list?at=2"})),
        );
    for (host, paging, got, says) in [
        (
            host(),
            Paging::cursor("cursor", "next").items_at("items"),
            vec![1],
            "page 2 is the same as page 1; the provider seems not to know the cursor `cursor`",
        ),
        (
            page,
            Paging::page("p"),
            vec![1, 2],
            "seems not to know the page number `p`",
        ),
        (
            host(),
            Paging::offset("o").items_at("items"),
            vec![1],
            "the offset `o`",
        ),
        (
            circle,
            Paging::link_at("next").items_at("items"),
            vec![1, 2],
            "leads back to a page that was fetched before, by the link at `next`",
        ),
    ] {
        let (items, error, _) = collect(host, list, paging);
        let error = error.unwrap();
        assert!(error.contains(says), "{error}");
        assert_eq!(items, got);
    }
}

#[test]
fn what_is_wrong_with_a_page_is_named() {
    let paging = || Paging::cursor("cursor", "next").items_at("data.rows");
    for (body, says) in [
        (
            json!({"data": {"rows": [1, "two"]}}),
            "GET /list (page 1) answered something unexpected: in the items at `data.rows`: `[1]`: invalid type: string \"two\"",
        ),
        (json!({"data": {"rows": 5}}), "expected a sequence"),
        (
            json!({"error": "no"}),
            "there is nothing at `data.rows`, where the items should be; the body begins: {\"error\":\"no\"}",
        ),
    ] {
        let (_, error, _) = collect(
            TestHost::new().reply("/list", Reply::json(&body)),
            list,
            paging(),
        );
        let error = error.unwrap_or_else(|| panic!("{body} is accepted"));
        assert!(error.contains(says), "{error}");
    }
    for (reply, says) in [
        (
            Reply::status(200).text("<html>sign in"),
            "expected value at line 1 column 1; the body begins: <html>sign in",
        ),
        (
            Reply::status(403).text("no scope"),
            "GET /list answered 403: no scope",
        ),
    ] {
        let (_, error, _) = collect(TestHost::new().reply("/list", reply), list, paging());
        let error = error.unwrap();
        assert!(error.contains(says), "{error}");
    }
}

#[test]
fn a_page_gives_what_stands_beside_its_items() {
    on(
        TestHost::new().reply(
            "/list",
            Reply::json(json!({"rows": [{"k": 1}], "total": 9})).header("X-Left", "3"),
        ),
        |run| {
            let page = run
                .get("/list")
                .pages(Paging::cursor("c", "next").items_at("rows"))
                .next()
                .unwrap()?;
            assert_eq!(
                (page.number(), page.status(), page.header("x-left")),
                (1, 200, Some("3"))
            );
            assert_eq!(page.at::<u64>("total")?, Some(9));
            assert_eq!(page.at::<u64>("rows.0.k")?, Some(1));
            assert_eq!(page.at::<Value>("rows.1.k")?, None);
            assert!(
                page.at::<u64>("rows")
                    .unwrap_err()
                    .message()
                    .contains("at `rows`: invalid type: sequence")
            );
            assert_eq!(page.body(), r#"{"rows":[{"k":1}],"total":9}"#);
            Ok(())
        },
    );
}

#[test]
fn the_integration_says_how_pages_are_numbered() {
    let rows = [
        (
            json!({"type": "offset", "param": "skip", "items": "data"}),
            "skip",
            [Some("0"), Some("2"), Some("3")].as_slice(),
        ),
        (
            json!({"type": "page", "param": "p", "items": "data", "start": 5}),
            "p",
            &[Some("5"), Some("6"), Some("7")],
        ),
        (
            json!({"type": "cursor", "param": "c", "next": "next", "items": "data"}),
            "c",
            &[None, Some("n1"), Some("n2")],
        ),
        (
            json!({"type": "link", "next": "url", "items": "data"}),
            "at",
            &[None, Some("1"), Some("2")],
        ),
    ];
    for (pagination, param, expected) in rows {
        let mut number = 0;
        let pages = [json!([1, 2]), json!([3]), json!([])];
        let host = TestHost::new()
            .config(json!({"pagination": pagination, "region": "eu"}))
            .serve(move |_| {
                let data = pages[number].clone();
                number += 1;
                let more = number < pages.len();
                Reply::json(json!({
                    "data": data,
                    "next": more.then(|| format!("n{number}")),
                    "url": more.then(|| format!("/list?at={number}")),
                }))
            });
        let seen = Rc::new(RefCell::new(Vec::new()));
        let out = seen.clone();
        let host = on(host, move |run| {
            for page in run.get("/list").paginate::<u64>(run.paging()?) {
                out.borrow_mut().extend(page?);
            }
            Ok(())
        });
        assert_eq!(seen.take(), [1, 2, 3], "{pagination}");
        let asked = asked(&host, param);
        let asked: Vec<Option<&str>> = asked.iter().map(Option::as_deref).collect();
        assert_eq!(asked, expected, "{pagination}");
    }
}

#[test]
fn an_integration_that_says_nothing_of_its_pages_is_an_error() {
    on(TestHost::new(), |run| {
        let error = run.paging().unwrap_err();
        assert!(error.message().contains("set its `pagination`"), "{error}");
        Ok(())
    });
}
