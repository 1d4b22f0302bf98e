"""What tells that a message was opened, and on what somebody clicks, goes out of it, however it is written."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xrm_core.messages.watching.links import TrackedLink, unwatched_link, unwatched_text
from xrm_core.messages.watching.pages import unwatched_page
from xrm_core.messages.watching.styles import cleaned_declarations, cleaned_sheet, hides, loads

HOSTS = ("click.example.com",)
FAR = "https://pixel.example.net/o.gif?who=7"


@pytest.mark.parametrize(
    "html",
    [
        f'<img src="{FAR}" width="1" height="1">',
        f"<img src={FAR} width=0>",
        f'<IMG SRC="{FAR}" HEIGHT=" 1px ">',
        f'<img src="{FAR}" style="display:none">',
        f'<img src="{FAR}" style="DISPLAY : none !important">',
        f'<img src="{FAR}" style="d\\69splay:n\\6fne">',
        f'<img src="{FAR}" style="display/**/:none">',
        f'<img src="{FAR}" style="display:none;display:foo">',
        f"<img src='{FAR}' style='content:\"\n;visibility:hidden'>",
        f'<img src="{FAR}" style="opacity:.01">',
        f'<img src="{FAR}" style="max-height:0px;overflow:hidden">',
        f'<img src="{FAR}" style="position:absolute;left:-9999px">',
        f'<img src="{FAR}" style="mso-hide:all">',
        f'<img src="{FAR}" hidden>',
        f'<img src="{FAR}" style="filter: opacity(0%)">',
        f'<img src="{FAR}" style="position:absolute;clip:rect(1px,1px,1px,1px)">',
        f'<style>.t{{display:none}}</style><img src="{FAR}" class="a T">',
        f'<img src="{FAR}" id="o"><style>p, body #o{{width:1px;height:1px}}</style>',
        f'<style>/*}}*/@import "a";td > img.t:not(.x)[alt] {{opacity:0}}</style><img src="{FAR}" class="t">',
        f'<style>@media print{{p{{color:red}}}}img{{visibility:hidden</style><img src="{FAR}">',
        f'<style>.a\\:b{{d\\69splay:none}}</style><img src="{FAR}" class="a:b">',
        f'<style>td{{display:none}}</style><table><tr><td><img src="{FAR}"></table>',
        f'<style>.pre{{max-height:0}}</style><div class="pre"><img src="{FAR}"></div>',
        f'<div style="display:none"><p><img src="{FAR}" width="600"></p></div>',
        f'<div style="display:none"><table></div><img src="{FAR}" width="600">',
        f'<image src="{FAR}" width="1">',
        f'<input type=" IMAGE" src="{FAR}" width="1">',
        '<img src="//pixel.example.net/o.gif" width="1">',
        '<img src="\\\\pixel.example.net\\o.gif" width="1">',
        '<img src=" ht\ntps:/pixel.example.net/o.gif" width="1">',
        '<img src="&#104;ttps://pixel.example.net/o.gif" width="1">',
        '<img src="o.gif" width="1">',
        f'<img width="600" src="cid:logo" srcset="{FAR} 2x">',
        f'<picture><source srcset="{FAR}"><img src="cid:logo"></picture>',
        f'<img src="cid:logo" lowsrc="{FAR}" dynsrc="{FAR}">',
        f'<p><img src="{FAR}" width="1"',
        f'<p title="<img src={FAR} width=1>"></p><img/src="{FAR}"/width="1">',
        f'<table background="{FAR}"><tr><td background="{FAR}">x</td></tr></table>',
        f'<body background="{FAR}">x',
        f'<div style="background:url({FAR})">x</div>',
        f"<div style=\"background:u\\72l('{FAR}')\">x</div>",
        f'<div style="background:URL( &quot;{FAR}&quot; )">x</div>',
        f'<div style="background:ur/**/l(cid:a);list-style:url({FAR}">x</div>',
        f'<div style="background-image:image-set(&quot;{FAR}&quot; 1x)">x</div>',
        f"<div style=\"background:-webkit-image-set('{FAR}' 1x)\">x</div>",
        f"<style>p{{background:url({FAR})}}</style><p>x</p>",
        f"<style>@import '{FAR}';</style><p>x</p>",
        f"<style>@im\\port '{FAR}';</style><p>x</p>",
        f"<style>@font-face{{font-family:a;src:url({FAR})}}</style><p>x</p>",
        f"<style>p{{}}</style><style>p{{b:url({FAR}",
        f'<link rel="stylesheet" href="{FAR}">',
        f'<link rel=prefetch href="{FAR}">',
        f'<iframe src="{FAR}"></iframe>',
        f'<iframe srcdoc="<img src={FAR}>"></iframe>',
        f'<object data="{FAR}"></object><embed src="{FAR}">',
        f'<video poster="{FAR}"></video><audio src="{FAR}"></audio>',
        f'<bgsound src="{FAR}">',
        f'<script src="{FAR}"></script>',
        f"<noscript><img src='{FAR}' width='600'></noscript>",
        f'<template><img src="{FAR}" width="600"></template>',
        f'<meta http-equiv=" Refresh" content="0;url={FAR}">',
        f'<svg><image href="{FAR}"/></svg>',
        f'<svg><image xlink:href="{FAR}"/></svg>',
        f'<svg><use href="{FAR}#a"/><rect fill="url({FAR})"/></svg>',
        f"<svg><style>p{{background:url({FAR})}}</style></svg>",
        f'<math><mi><img src="{FAR}" width="1"></mi></math>',
        f'<svg><desc><img src="{FAR}" width="1"></desc></svg>',
        f'<v:image src="{FAR}"/><v:fill src="{FAR}"/>',
        f'<!--[if mso]><img src="{FAR}"><![endif]-->',
        f'<!--[if mso]><v:fill src="{FAR}"/><![endif]-->',
        f'<!--[if mso]><td style="background:url({FAR})"><![endif]-->',
        f'<!-- ><img src="{FAR}" width="1"> -->',
        f'<!--><img src="{FAR}" width="1">-->',
        f'<!---!><img src="{FAR}" width="1">-->',
        f'<?xml-stylesheet href="{FAR}"?>',
        f'<a href="https://example.org" ping="{FAR}">x</a>',
        f'<img src="cid:logo" onerror="this.src=\'{FAR}\'">',
        f'<img src="https://click.example.com/{FAR}" width="600">',
        f'<textarea></textarea><img src="{FAR}" width="1">',
        f'<title></title><xmp></xmp><img src="{FAR}" width="1">',
    ],
)
def test_what_is_loaded_to_be_counted_goes(html: str):
    found = unwatched_page(html, HOSTS)

    assert loaded(found) == []
    assert "o.gif" not in re.sub(r'title="[^"]*"', "", found)
    assert unwatched_page(found, HOSTS) == found


def test_a_message_stays_as_it_looks():
    html = (
        '<!DOCTYPE html><html><head><meta http-equiv="Content-Type" content="text/html; charset=utf-8"><style>'
        ".sm\\:w{width:100px}@media (max-width:600px){p,img{color:red;display:none}}"
        ".pre img.x,#pre{display:none}</style></head><body>"
        "<!--[if mso]><table><tr><td><![endif]--><!--[if !mso]><!-->"
        '<p style="color:red;background:url(cid:bg)">Grüße &amp; <a href="https://example.org/?a=1&amp;b=2">more</a>'
        '<img src="https://example.org/logo.png" width="120" height="40" alt="Kern"><img src="cid:logo" width="1">'
        '<img src="data:image/png;base64,AAAA"></p><!--<![endif]-->'
        "<!--[if mso]></td></tr></table><![endif]--></body></html>"
    )

    assert unwatched_page(html, HOSTS) == html
    # and where no picture at all is to be loaded, it says what it shows
    strict = unwatched_page(html, HOSTS, strict=True)
    assert loaded(strict, visible=True) == []
    assert ">more</a>Kern<img" in strict


def test_a_sheet_loses_what_it_loads_and_keeps_the_rest():
    sheet = "@import url(https://fonts.example.net/css);.sm\\:w{width:1px}p{background:url('https://x.example/b')}"

    assert cleaned_sheet(sheet) == ".sm\\:w{width:1px}p{background:url(data:,)}"
    assert cleaned_declarations("color:red;background:url(https://x.example/;a);width:5px") == "color:red;width:5px"
    assert not hides("width:600px;left:-5px;opacity:0.9;display:block;content:'display:none'")


TARGET = "https://shop.example.org/p?a=1&b=2"


@pytest.mark.parametrize(
    ("link", "leads_to"),
    [
        ("https://click.example.com/?u=https%3A%2F%2Fshop.example.org%2Fp%3Fa%3D1%26b%3D2&who=7", TARGET),
        ("https://CLICK.example.com./t/7/https%3A%2F%2Fshop.example.org%2Fp%3Fa%3D1%26b%3D2", TARGET),
        ("https://click.example.com/https://shop.example.org/p?a=1&b=2", TARGET),
        ("https://click.example.com/#https%3A%2F%2Fshop.example.org%2Fp%3Fa%3D1%26b%3D2", TARGET),
        ("https://a.click.example.com/c/aHR0cHM6Ly9zaG9wLmV4YW1wbGUub3JnL3A_YT0xJmI9Mg/7", TARGET),
        ("https://click.example.com/?u=https%3A%2F%2Fclick.example.com%2F%3Fu%3Dhttps%253A%252F%252Fa.example%252F", "https://a.example/"),
        ("ht\ttps:\\\\user@click.example.com\\?u=https://a.example/", "https://a.example/"),
        ("https://%63lick.example.com/?u=https://a.example/", "https://a.example/"),
        ("https://click。example。com/?u=https://a.example/", "https://a.example/"),
        ("https://shop.example.org/?MC_EID=7&a=1&_hsenc=x", "https://shop.example.org/?a=1"),
        ("https://shop.example.org/click.example.com", "https://shop.example.org/click.example.com"),
        ("https://notclick.example.com/?u=https://a.example/", "https://notclick.example.com/?u=https://a.example/"),
        ("mailto:info@example.org", "mailto:info@example.org"),
    ],
)  # fmt: skip
def test_links_lead_where_they_say(link: str, leads_to: str):
    assert unwatched_link(link, HOSTS) == leads_to
    assert f'href="{leads_to.replace("&", "&amp;")}"' in unwatched_page(
        f'<a href="{link.replace("&", "&amp;")}">x</a>', HOSTS
    )


@pytest.mark.parametrize(
    "html",
    [
        '<a href="https://click.example.com/c/7">x</a>',
        '<a href="//click.example.com/c/7">x</a>',
        '<map><area href="https://click.example.com/c/7"></map>',
        '<form action="https://click.example.com/c/7"></form>',
        '<button formaction="https://click.example.com/c/7">x</button>',
        '<base href="https://click.example.com/"><a href="c/7">x</a>',
        '<svg><a xlink:href="https://click.example.com/c/7">x</a></svg>',
        '<a href="https://[click.example.com/c/7">x</a>',
    ],
)
def test_a_link_of_which_nobody_knows_where_it_leads_keeps_the_message(html: str):
    with pytest.raises(TrackedLink):
        unwatched_page(html, HOSTS)


def test_links_in_texts_too():
    text = "See https://click.example.com/?u=https%3A%2F%2Fa.example%2Fx, (https://b.example/?mc_eid=7)."
    assert unwatched_text(text, HOSTS) == "See https://a.example/x, (https://b.example/)."
    for wrong in ("https://click.example.com/c/7", "click.example.com/c/7", "http://Click。example.com/7"):
        with pytest.raises(TrackedLink):
            unwatched_text(f"See {wrong} now", HOSTS)


PIECES = st.sampled_from(
    [
        *("<div>", "</div>", "<p style='display:none'>", "<table>", "</td>", "<svg>", "</svg>", "<math>", "<select>"),
        *("<style>", "</style>", "<textarea>", "</textarea>", "<title>", "</title>", "<noscript>", "</noscript>"),
        *("<!--", "-->", "--!>", "<!", "<![CDATA[", "]]>", "<?", "<a href='https://a.example'>", "</a>", "<template>"),
        *(f"<img src='{FAR}' width=1>", f"<img src={FAR}>", f"<image href='{FAR}'>", f"<b style='a:url({FAR})'>"),
        *("'", '"', "`", ">", "<", "/", "\0", "&lt;", "url(", ")", "@import ", "\\", "x", " "),
        *(FAR, "//pixel.example.net/o.gif", "src=", "style=", "background=", "<script>", "</script>", "<plaintext>"),
    ]
)


@settings(max_examples=200, deadline=None)
@given(pieces=st.lists(PIECES, max_size=14))
def test_however_it_is_put_together_nothing_is_loaded(pieces: list[str]):
    found = unwatched_page("".join(pieces), (), strict=True)

    assert loaded(found, visible=True) == []


def loaded(html: str, *, visible: bool = False) -> list[str]:
    """What another parser finds to be loaded from elsewhere; a picture that can be seen only if asked for."""
    reader = _Loading(visible=visible)
    reader.feed(html)
    reader.close()
    return reader.found


class _Loading(HTMLParser):
    def __init__(self, *, visible: bool) -> None:
        super().__init__()
        self.found: list[str] = []
        self._visible, self._sheet = visible, False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._sheet = tag == "style"
        for name, value in attrs:
            text = value or ""
            seen = tag == "img" and name == "src" and not self._visible
            if tag in ("a", "area", "base", "form", "button") and name in ("href", "action", "formaction"):
                continue
            source = name.rpartition(":")[2] in ("src", "href", "background", "poster", "srcset", "data", "ping")
            if source and text and not text.startswith(("cid:", "data:", "#")) and not seen:
                self.found.append(f"{tag} {name} {text}")
            if name == "style" and loads(text):
                self.found.append(f"{tag} {name} {text}")

    def handle_data(self, data: str) -> None:
        if self._sheet and loads(data):
            self.found.append(data)

    def handle_endtag(self, tag: str) -> None:
        self._sheet = False

    def handle_comment(self, data: str) -> None:
        if re.search(r"src\s*=|url\s*\(|<img", data, re.IGNORECASE):
            self.found.append(data)
