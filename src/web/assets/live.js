// Live pages: the overview refreshes itself, a build's console grows. Without this script everything is there too, after a reload.
"use strict";

(() => {
  // The console keeps so much text in the page; older parts are dropped and stay behind the link to the whole text.
  const KEPT_CHARS = 2_000_000;

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
      this.open();
    }

    open() {
      // The browser itself reconnects with Last-Event-ID, so no byte is lost or doubled.
      this.events = new EventSource(this.box.dataset.live + "&start=" + this.offset);
      this.events.onopen = () => this.say("live");
      this.events.onerror = () => this.say(this.events.readyState === EventSource.CLOSED ? "not live: reload the page" : "reconnecting…");
      this.events.addEventListener("text", (event) => this.take(event.data));
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
      this.log.replaceChildren();
      this.kept = 0;
    }

    state() {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => refresh("[data-part]").catch(() => {}), 50);
    }

    end() {
      this.events.close();
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
