// Live pages: the overview refreshes itself, a build's console grows. Without this script everything is there too, after a reload.
"use strict";

(() => {
  // The console keeps so much text in the page; older parts are dropped and stay behind the link to the whole text.
  const KEPT_CHARS = 2_000_000;
  // A browser opens six connections to one server, for all its tabs together; a stream that stays open holds one. So only
  // pages that are seen keep theirs, at most so many at once; the others look in for a moment, in milliseconds:
  const STREAMS = 4;
  const LOOK_MS = 400;
  const LOOK_AGAIN_SEEN_MS = 2_000;
  const LOOK_AGAIN_HIDDEN_MS = 20_000;

  // Replaces every element marked data-part (or the whole of main) by its newer self.
  async function refresh(selector) {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (!answer.ok) return null;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const old of document.querySelectorAll(selector)) {
      const next = fresh.getElementById(old.id);
      if (next && next.innerHTML !== old.innerHTML) {
        old.innerHTML = next.innerHTML;
      }
      if (next) {
        old.className = next.className;
        old.hidden = next.hidden;
        old.toggleAttribute("data-live", next.hasAttribute("data-live"));
      }
    }
    document.title = fresh.title;
    return fresh;
  }

  function refreshing(main) {
    const pause = Number(main.dataset.refresh) * 1000;
    const turn = async () => {
      const busy = document.hidden || main.contains(document.activeElement) && document.activeElement.tagName === "INPUT";
      if (!busy) await refresh("main").catch(() => {});
      setTimeout(turn, pause);
    };
    setTimeout(turn, pause);
  }

  class Console {
    constructor(box) {
      this.box = box;
      this.log = box.querySelector(".log");
      this.note = box.querySelector(".console-state");
      this.button = box.querySelector("[data-follow]");
      this.offset = box.dataset.offset;
      this.waiting = [];
      this.kept = this.log.textContent.length;
      this.waitingChars = 0;
      const pane = getComputedStyle(this.log).overflowY === "auto";
      this.pane = pane ? this.log : document.scrollingElement;
      this.top = this.pane.scrollTop;
      this.button.hidden = false;
      this.button.addEventListener("click", () => {
        this.setFollow(!this.follow);
        if (this.follow) this.toEnd();
      });
      (pane ? this.log : window).addEventListener("scroll", () => this.scrolled(), { passive: true });
      this.setFollow(pane || this.atEnd());
      if (this.follow) this.toEnd();
      this.live = box.dataset.live;
      this.others = new BroadcastChannel("causeway-streams");
      this.others.addEventListener("message", () => this.makeWay());
      document.addEventListener("visibilitychange", () => this.turn());
      window.addEventListener("focus", () => this.turn());
      this.turn();
    }

    // A page that is looked at streams, and tells the others; one that went into the background only looks in.
    turn() {
      if (this.complete) return;
      clearTimeout(this.again);
      if (document.hidden) {
        this.rest();
        this.lookIn();
      } else if (!this.streams) {
        this.rest();
        this.streams = true;
        this.younger = 0;
        this.others.postMessage("streams");
        this.open();
      }
    }

    // The pages that began to stream last have the streams.
    makeWay() {
      this.younger += 1;
      if (!this.streams || this.younger < STREAMS) return;
      this.rest();
      this.lookIn();
    }

    lookIn() {
      this.again = setTimeout(() => {
        this.open();
        this.events.addEventListener("open", () => setTimeout(() => {
          if (this.streams || this.complete) return;
          this.rest();
          this.lookIn();
        }, LOOK_MS));
      }, document.hidden ? LOOK_AGAIN_HIDDEN_MS : LOOK_AGAIN_SEEN_MS);
    }

    rest() {
      this.streams = false;
      clearTimeout(this.again);
      this.events?.close();
    }

    open() {
      // The browser itself reconnects with Last-Event-ID, so no byte is lost or doubled.
      this.events = new EventSource(this.live + "&start=" + this.offset);
      this.events.onopen = () => this.say("live");
      this.events.onerror = () => this.say(this.events.readyState === EventSource.CLOSED ? "not live: reload the page" : "reconnecting…");
      this.events.addEventListener("text", (event) => {
        this.offset = event.lastEventId;
        this.take(event.data);
      });
      this.events.addEventListener("again", () => this.restart());
      this.events.addEventListener("state", () => this.state());
      this.events.addEventListener("end", () => this.end());
    }

    // A burst of parts is painted once a frame. A hidden tab paints nothing and keeps no more than it would show.
    take(html) {
      this.waiting.push(html);
      this.waitingChars += html.length;
      while (this.waitingChars > KEPT_CHARS && this.waiting.length > 1) {
        this.waitingChars -= this.waiting.shift().length;
        this.cut();
      }
      if (!this.asked) {
        this.asked = true;
        requestAnimationFrame(() => this.paint());
      }
    }

    paint() {
      const part = document.createElement("span");
      part.className = "part";
      part.innerHTML = this.waiting.join("");
      this.waiting.length = 0;
      this.waitingChars = 0;
      this.asked = false;
      this.log.querySelector(".log-empty")?.remove();
      this.log.append(part);
      this.kept += part.textContent.length;
      while (this.kept > KEPT_CHARS && this.log.childElementCount > 1) {
        this.kept -= this.log.firstElementChild.textContent.length;
        this.log.firstElementChild.remove();
        this.cut();
      }
      if (this.follow) this.toEnd();
    }

    cut() {
      if (this.box.querySelector(".console-cut")) return;
      const cut = document.createElement("p");
      cut.className = "console-cut";
      cut.append("Earlier output is no longer shown here: ");
      const link = document.createElement("a");
      link.href = this.box.querySelector(".console-tools a").href;
      link.textContent = "read the whole text";
      cut.append(link, ".");
      this.log.before(cut);
    }

    restart() {
      this.offset = "0";
      this.log.replaceChildren();
      this.kept = 0;
    }

    state() {
      clearTimeout(this.timer);
      this.timer = setTimeout(async () => {
        const fresh = await refresh("[data-part]").catch(() => null);
        // It names the state that the page shows, so that only another one is told.
        this.live = fresh?.querySelector("[data-console]")?.dataset.live || this.live;
      }, 50);
    }

    end() {
      this.complete = true;
      this.rest();
      this.others.close();
      this.say("complete");
      this.state();
    }

    say(text) { this.note.textContent = text; }

    atEnd() { return this.pane.scrollTop + this.pane.clientHeight >= this.pane.scrollHeight - 32; }

    toEnd() { this.pane.scrollTop = this.pane.scrollHeight; }

    // Whoever scrolls up wants to read; whoever comes back to the end wants to follow.
    scrolled() {
      const up = this.pane.scrollTop < this.top;
      this.top = this.pane.scrollTop;
      if (up && !this.atEnd()) this.setFollow(false);
      else if (this.atEnd()) this.setFollow(true);
    }

    setFollow(on) {
      this.follow = on;
      this.button.setAttribute("aria-pressed", String(on));
    }
  }

  const main = document.querySelector("main[data-refresh]");
  if (main) refreshing(main);
  const box = document.querySelector("[data-console][data-live]");
  if (box) new Console(box);
})();
