"""The texts of made-up data, by language. Slots in braces are filled by `documents.slots`.

The questions and answers of one topic share the values of their slots. In Korean texts no slot is followed by a
particle whose form depends on the sound before it.
"""

from __future__ import annotations

from typing import NamedTuple


class Topic(NamedTuple):
    """The job of an assistant, and what users ask it."""

    job: str
    instructions: str
    turns: tuple[tuple[str, str], ...]


class Section(NamedTuple):
    heading: str
    sentences: tuple[str, ...]


class Language(NamedTuple):
    """All texts in one language."""

    code: str
    date: str  # of `str.format`, with `month`, its `name`, and `day`
    price: str
    cents: int  # the smallest units in one unit of the currency
    months: tuple[str, ...]
    products: tuple[str, ...]
    columns: tuple[str, ...]
    assistant: str
    title: str
    topics: tuple[Topic, ...]
    sections: tuple[Section, ...]


ENGLISH = Language(
    code="en",
    date="{name} {day}",
    price="${:,.2f}",
    cents=100,
    months=(
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ),
    products=("desk lamp", "tea kettle", "travel mug", "wool blanket", "garden chair", "wall clock", "backpack"),
    columns=("date", "order", "customer", "city", "product", "quantity", "unit price", "total"),
    assistant="{job} of {company}",
    title="Customer handbook of {company}",
    topics=(
        Topic(
            "Order desk",
            "You answer questions about orders of {company}. Be brief, and look orders up before you promise.",
            (
                ("Hello, this is {name}. Where is my order {order}?", "It left our warehouse on {date}, {name}."),
                ("When will it get to {city}?", "Parcels to {city} take {count} days."),
                (
                    "Can I still change the address?",
                    "Not any more, but you can pick the {product} up at a parcel shop.",
                ),
                ("What if the {product} is broken?", "Then we send another one, and you keep the {price} you paid."),
                ("And who do I call about that?", "Ask for {colleague}, on any weekday until five."),
            ),
        ),
        Topic(
            "Travel guide",
            "You plan trips for the guests of {company}. Suggest no more than three things at once.",
            (
                ("What can I see in {city} in {count} days?", "The old town, the market hall and the river path."),
                ("Is {date} a good time to go?", "Yes, it is quiet then, and rooms start at {price} a night."),
                ("Do I need a car there?", "No. The tram reaches everything, and it runs until midnight."),
                (
                    "Where could we eat with {count} people?",
                    "{colleague}'s kitchen has a long table. Book it by {date}.",
                ),
            ),
        ),
        Topic(
            "Sales analyst",
            "You read the sales tables of {company}. Calculate with the code interpreter, never in your head.",
            (
                ("Which product sold best last month?", "The {product}: {count} more than the month before."),
                ("Where do most of its buyers live?", "In {city}. Nearly every second {product} was sent there."),
                ("How much was an order on average?", "{price}, without returns."),
                ("Could you draw that by week?", "Here is the chart. The peak is the week of {date}."),
            ),
        ),
        Topic(
            "Help desk",
            "You help the staff of {company} with their computers. Ask one question at a time.",
            (
                ("I cannot sign in since {date}.", "Thank you, {name}. Does it say that your password has expired?"),
                ("Yes, that is what it says.", "Then choose a new one with at least {count} characters."),
                ("Done. How long will this one last?", "Until {date} of next year. You will be told in time."),
                ("Who else can unlock my account?", "{colleague} in {city} can, if I am not there."),
            ),
        ),
    ),
    sections=(
        Section(
            "Opening hours",
            (
                "Our shop in {city} is open from nine to six, on Saturdays until two.",
                "On {date} we count our stock, and the shop stays closed.",
                "The warehouse hands out parcels until eight in the evening.",
            ),
        ),
        Section(
            "Delivery",
            (
                "A parcel reaches {city} within {count} days.",
                "Delivery is free for orders above {price}.",
                "Furniture, such as a {product}, is carried to your room by two people.",
            ),
        ),
        Section(
            "Returns",
            (
                "You can send a {product} back within {count} weeks.",
                "We refund the price as soon as the parcel has arrived in {city}.",
                "Please write the order number, such as {order}, on the parcel.",
            ),
        ),
        Section(
            "Warranty",
            (
                "Every {product} has a warranty of {count} years.",
                "Repairs cost {price} at most, and nothing in the first year.",
                "Keep the receipt: the warranty begins with the day that is printed on it.",
            ),
        ),
        Section(
            "Contact",
            (
                "{colleague} looks after all complaints, and answers within {count} hours.",
                "Letters reach us in {city}.",
                "{name} speaks for {company} in public.",
            ),
        ),
    ),
)

KOREAN = Language(
    code="ko",
    date="{month}월 {day}일",
    price="{:,.0f}원",
    cents=1,
    months=("",) * 12,
    products=("책상 조명", "찻주전자", "여행용 머그컵", "양모 담요", "정원 의자", "벽시계", "배낭"),
    columns=("날짜", "주문번호", "고객", "도시", "상품", "수량", "단가", "합계"),
    assistant="{company} {job}",
    title="{company} 고객 안내서",
    topics=(
        Topic(
            "주문 상담",
            "{company} 주문에 대한 질문에 답합니다. 짧게 답하고, 약속하기 전에 주문을 조회하세요.",
            (
                ("안녕하세요, {name}입니다. 주문 {order} 어디쯤 왔나요?", "{name} 님, {date}에 창고에서 출발했습니다."),
                ("{city}에는 언제 도착하나요?", "{city}까지는 {count}일 걸립니다."),
                ("지금 주소를 바꿀 수 있나요?", "이미 출발해서 어렵지만, 가까운 편의점에서 받으실 수 있습니다."),
                ("{product} 상태가 안 좋으면 어떻게 하죠?", "새 상품을 보내 드리고, 결제하신 {price} 그대로 둡니다."),
                ("누구에게 전화하면 되나요?", "평일 다섯 시까지 {colleague} 님을 찾으시면 됩니다."),
            ),
        ),
        Topic(
            "여행 안내",
            "{company} 손님의 여행을 계획합니다. 한 번에 세 가지까지만 추천하세요.",
            (
                ("{city}에서 {count}일 동안 무엇을 볼 수 있나요?", "구시가지, 시장 골목, 강변 산책로를 추천합니다."),
                ("{date}에 가도 괜찮을까요?", "네, 그때는 한산하고 숙박은 하루 {price}부터 있습니다."),
                ("차가 필요한가요?", "아니요, 자정까지 다니는 버스로 어디든 갈 수 있습니다."),
                (
                    "{count}명이 함께 식사할 곳이 있나요?",
                    "{colleague} 님의 식당에 큰 자리가 있습니다. {date}까지 예약하세요.",
                ),
            ),
        ),
        Topic(
            "매출 분석",
            "{company} 매출 표를 읽습니다. 계산은 항상 코드 인터프리터로 하세요.",
            (
                ("지난달에 무엇이 가장 많이 팔렸나요?", "{product}입니다. 그 전달보다 {count}개 더 팔렸습니다."),
                ("어디에서 가장 많이 샀나요?", "{city}입니다. 거의 절반이 그곳으로 갔습니다."),
                ("주문 한 건의 평균은 얼마인가요?", "반품을 빼고 {price}입니다."),
                ("주별로 그려 줄 수 있나요?", "그래프입니다. {date}이 있는 주가 가장 높습니다."),
            ),
        ),
        Topic(
            "전산 지원",
            "{company} 직원의 컴퓨터 문제를 돕습니다. 질문은 한 번에 하나만 하세요.",
            (
                ("{date}부터 로그인이 안 됩니다.", "{name} 님, 비밀번호가 만료되었다고 나오나요?"),
                ("네, 그렇게 나옵니다.", "그럼 {count}자 이상으로 새로 만들어 주세요."),
                ("됐습니다. 이번 것은 언제까지 쓸 수 있나요?", "내년 {date}까지입니다. 그 전에 알려 드립니다."),
                (
                    "다른 사람도 계정을 풀어 줄 수 있나요?",
                    "제가 없을 때는 {city}에 있는 {colleague} 님이 풀어 드립니다.",
                ),
            ),
        ),
    ),
    sections=(
        Section(
            "영업시간",
            (
                "{city} 매장은 아홉 시부터 여섯 시까지, 토요일은 두 시까지 엽니다.",
                "{date}에는 재고를 조사하느라 매장을 닫습니다.",
                "창고에서는 저녁 여덟 시까지 물건을 찾으실 수 있습니다.",
            ),
        ),
        Section(
            "배송",
            (
                "{city}까지는 {count}일 안에 도착합니다.",
                "{price} 이상 주문하시면 배송비가 없습니다.",
                "{product}처럼 부피가 큰 상품은 두 사람이 방까지 옮겨 드립니다.",
            ),
        ),
        Section(
            "반품",
            (
                "{product} 반품은 {count}주 안에 하실 수 있습니다.",
                "상자가 {city}에 도착하면 바로 환불해 드립니다.",
                "상자에 {order} 같은 주문번호를 적어 주세요.",
            ),
        ),
        Section(
            "보증",
            (
                "{product} 보증 기간은 {count}년입니다.",
                "수리비는 {price}까지이고 첫해에는 없습니다.",
                "영수증을 보관하세요. 보증은 거기에 찍힌 날부터 시작됩니다.",
            ),
        ),
        Section(
            "연락처",
            (
                "불만은 모두 {colleague} 님이 맡고 {count}시간 안에 답합니다.",
                "편지는 {city}에서 받습니다.",
                "{company} 대변인은 {name} 님입니다.",
            ),
        ),
    ),
)

LANGUAGES = {language.code: language for language in (ENGLISH, KOREAN)}


def language_of(locale: str | None) -> Language:
    """The texts for a locale: Korean for Korean, English for all others.

    >>> language_of("ko_KR").code, language_of("no_NO").code
    ('ko', 'en')
    """
    return LANGUAGES.get((locale or "").partition("_")[0], ENGLISH)
