"""Route `agent`: which tool to call with what, and what a tool's answer means."""

from datetime import date, timedelta
from random import Random

from . import INTEGER, NAMES, STRING, Task, Template, compact, user


def _tool(name: str, description: str, properties: dict) -> dict:
    parameters = {"type": "object", "properties": properties, "required": list(properties)}
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


WEATHER = _tool("get_weather", "Weather of a city on a date", {"city": STRING, "date": STRING})
TRANSFER = _tool("transfer", "Moves money between accounts, in cents", {"to": STRING, "cents": INTEGER})
REMIND = _tool("set_reminder", "Reminds after some minutes", {"text": STRING, "minutes": INTEGER})


def _call(name: str, **arguments) -> str:
    return compact({"tool_calls": [{"name": name, "arguments": arguments}]})


def _weather_call(r: Random, _: int) -> Task:
    city, day = r.choice(["Bergen", "Quito", "Leeds", "Graz"]), date(2026, r.randint(1, 12), r.randint(1, 28))
    right = _call("get_weather", city=city, date=str(day))
    wrong = [_call("get_weather", city=city, date=str(day + timedelta(1))), f"I cannot see the weather in {city}."]
    return Task(f"What will the weather be in {city} on {day}?", right, wrong, tools=[WEATHER])


def _choose_tool(r: Random, i: int) -> Task:
    euros, cents, who = r.randint(3, 90), r.choice([5, 20, 50, 75]), NAMES[i]
    right = _call("transfer", to=who, cents=euros * 100 + cents)
    wrong = [
        _call("transfer", to=who, cents=euros),
        _call("set_reminder", text=f"Pay {who}", minutes=60),
        _call("transfer", to=who, cents=euros * 100),
    ]
    return Task(
        f"I owe {who} {euros}.{cents:02d} euros, please settle it.", right, wrong, tools=[WEATHER, TRANSFER, REMIND]
    )


def _computed_call(r: Random, i: int) -> Task:
    hour, minute, lead = r.randint(9, 12), r.choice([0, 5, 10, 40]), r.choice([10, 15, 25])
    meet_hour, meet_minute = hour + r.randint(2, 6), r.choice([15, 20, 45])
    minutes = (meet_hour - hour) * 60 + meet_minute - minute - lead
    thing = f"call {NAMES[i].split()[0]}"
    right = _call("set_reminder", text=thing, minutes=minutes)
    wrong = [
        _call("set_reminder", text=thing, minutes=m) for m in (minutes + lead, minutes + 60, (meet_hour - hour) * 60)
    ]
    prompt = (
        f"It is {hour}:{minute:02d}. Remind me to {thing} {lead} minutes before"
        f" {meet_hour}:{meet_minute:02d}. Use exactly that text."
    )
    return Task(prompt, right, [w for w in wrong if w != right], tools=[WEATHER, TRANSFER, REMIND])


def _tool_result(r: Random, _: int) -> Task:
    city, temperature, wind = r.choice(["Bergen", "Quito", "Leeds", "Graz"]), r.randint(-9, 34), r.randint(3, 60)
    call = {
        "id": "call_1",
        "type": "function",
        "function": {"name": "get_weather", "arguments": compact({"city": city, "date": "2026-05-02"})},
    }
    turns = [
        user(f"Is it below freezing in {city} on 2026-05-02, and is the wind over 40 km/h? Answer like: yes, no."),
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {
            "role": "tool",
            "tool_call_id": "call_1",
            "content": compact({"celsius": temperature, "wind_ms": round(wind / 3.6, 1)}),
        },
    ]

    def say(x):
        return "yes" if x else "no"

    windy = round(wind / 3.6, 1) * 3.6 > 40
    right = f"{say(temperature < 0)}, {say(windy)}"
    return Task(
        turns,
        right,
        [f"{say(temperature < 0)}, {say(not windy)}", f"{say(temperature >= 0)}, {say(windy)}"],
        tools=[WEATHER],
    )


TEMPLATES = [
    Template("one-tool", "agent", "tools", 0.1, _weather_call),
    Template("choose-tool", "agent", "tools", 0.4, _choose_tool),
    Template("computed-argument", "agent", "tools", 0.9, _computed_call),
    Template("tool-result", "agent", "conversation", 0.5, _tool_result),
]
